//! Every message against its golden file. `UPDATE_GOLDEN=1` writes them anew; read what changed.

use crate::samples;
use fleet::{Command, Event, JobId, Ledger, Progress, Pulse, Timestamp, Told, WorkerId};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::PathBuf;
use wire::client::ClientBody;
use wire::monitor::{MonitorBody, MonitorMessage, ResyncReason, Upstream};
use wire::{client, monitor};

const EVENT_ID: &str = "1642700000-42-00010203040506ff";

/// Compares all messages of a dialect with its folder, both ways: no file without a message.
fn check(dialect: &str, messages: Vec<(&str, String)>) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden").join(dialect);
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    if update {
        std::fs::create_dir_all(&folder).unwrap();
    }
    let mut expected = BTreeSet::new();
    for (name, message) in messages {
        let message: Value = serde_json::from_str(&message).unwrap();
        let file = folder.join(format!("{name}.json"));
        if update {
            std::fs::write(&file, format!("{message:#}\n")).unwrap();
        }
        let golden = std::fs::read_to_string(&file).unwrap_or_default();
        let golden: Value = serde_json::from_str(&golden).unwrap_or_default();
        assert_eq!(golden, message, "{}", file.display());
        expected.insert(file);
    }
    let found: BTreeSet<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(found, expected, "a golden file without a message");
}

/// What a request was called by.
fn called() -> wire::Json {
    serde_json::value::RawValue::from_string("\"request-7\"".to_owned()).unwrap()
}

fn pulse() -> Pulse {
    let progress = Progress {
        fraction: 0.5,
        message: Some("step 5/10".to_owned()),
        current_step: Some(5),
        total_steps: Some(10),
        estimated_completion: None,
    };
    let (job, worker) = (JobId::parse("job-123").unwrap(), WorkerId::parse("worker-1").unwrap());
    Pulse::Progress { job, worker, progress, at: Timestamp(1_642_700_000_000) }
}

fn told(encode: impl Fn(&Event) -> Option<String>) -> Vec<(&'static str, String)> {
    samples::events().iter().filter_map(|(name, event)| Some((*name, encode(event)?))).collect()
}

#[test]
fn monitor_messages_are_what_they_were() {
    let at = Timestamp(1_642_700_000_000);
    let mut messages = told(|event| monitor::event(event, EVENT_ID, &samples::contents));
    let stats =
        fleet::Tally { pending: 2, in_progress: 1, completed: 3, workers: 1, machines: 1, ..Default::default() };
    let ack = MonitorBody::HeartbeatAck {
        monitor_id: "sse",
        server_timestamp: at.0,
        head_event_id: EVENT_ID,
        events_missed: 0,
    };
    messages.extend([
        ("connected", MonitorMessage::passing(MonitorBody::Connected {}, at)),
        ("update_job_progress", MonitorMessage::passing(MonitorBody::UpdateJobProgress((&pulse()).into()), at)),
        ("system_stats", MonitorMessage::passing(MonitorBody::SystemStats { stats: stats.into() }, at)),
        ("heartbeat_ack", MonitorMessage::passing(ack, at)),
        ("upstream", MonitorMessage::passing(MonitorBody::Upstream { upstream: Upstream::Stale, since: at.0 }, at)),
        ("resync", MonitorMessage::passing(MonitorBody::Resync { reason: ResyncReason::Expired }, at)),
        ("full_state_snapshot", snapshot(at)),
    ]);
    let event = serde_json::value::RawValue::from_string(r#"{"type":"job_started"}"#.to_owned()).unwrap();
    let resync = MonitorBody::ResyncResponse {
        monitor_id: "m1",
        events: vec![&event],
        has_more: true,
        oldest_available_timestamp: at.0,
    };
    let topics = wire::Topics::ALL.names().collect();
    let error = MonitorBody::Error { code: "unknown_type", error: "type: \"sing\" is no message of this door" };
    messages.extend([
        (
            "subscribed",
            MonitorMessage::reply(MonitorBody::Subscribed { monitor_id: "m1", topics }, Some(&called()), at),
        ),
        ("resync_response", MonitorMessage::reply(resync, Some(&called()), at)),
        ("error", MonitorMessage::reply(error, Some(&called()), at)),
        ("pong", MonitorMessage::reply(MonitorBody::Pong {}, Some(&called()), at)),
    ]);
    check("monitor", messages);
}

#[test]
fn client_messages_are_what_they_were() {
    let mut messages = told(|event| client::event(event, EVENT_ID, &samples::contents, None));
    messages.push(("update_job_progress", client::progress(&pulse())));
    let at = Timestamp(1_642_700_000_000);
    let job = wire::jobs::JobView { id: "job-123".to_owned(), ..Default::default() };
    let (job_id, job_ids, many) = (Some("job-123"), &[][..], &["job-123", "job-124"][..]);
    let answers = [
        ("job_accepted_duplicate", ClientBody::JobAccepted { job_id: "job-123", status: "completed", duplicate: true }),
        ("legacy_job_submitted", ClientBody::JobSubmitted { job_id: "job-123" }),
        ("job_status", ClientBody::JobStatus { job: &job }),
        ("reply_job_cancelled", ClientBody::JobCancelled { job_id: "job-123" }),
        ("subscribed", ClientBody::Subscribed { job_id, job_ids, workflow_id: None }),
        ("subscribed_many", ClientBody::Subscribed { job_id: None, job_ids: many, workflow_id: Some("workflow-1") }),
        ("unsubscribed", ClientBody::Unsubscribed { job_id, job_ids, workflow_id: None }),
        ("error", ClientBody::Error { code: "job_not_found", error: "there is no job job-9" }),
        ("pong", ClientBody::Pong {}),
    ];
    messages.extend(answers.map(|(name, body)| (name, client::reply(body, Some(&called()), at))));
    let told = [
        ("connection_established", ClientBody::ConnectionEstablished { message: "Connected to server" }),
        ("legacy_connected", ClientBody::Connected { client_id: "legacy-1" }),
        ("upstream", ClientBody::Upstream { upstream: Upstream::Stale, since: at.0 }),
        ("resync", ClientBody::Resync { reason: ResyncReason::Expired }),
    ];
    messages.extend(told.map(|(name, body)| (name, client::passing(body, at))));
    check("client", messages);
}

/// One machine, one worker, one job running, one waiting, one cancelled.
fn snapshot(at: Timestamp) -> String {
    let mut ledger = Ledger::default();
    let mut tell = |command| ledger.handle(command, at, &mut Told::default()).unwrap();
    let (machine, worker) = (fleet::MachineId::parse("machine-1").unwrap(), WorkerId::parse("worker-1").unwrap());
    tell(Command::JoinMachine { machine: machine.clone(), facts: samples::facts() });
    tell(Command::JoinWorker(fleet::JoinWorker {
        worker: worker.clone(),
        machine,
        session: fleet::SessionId(7),
        slots: 1,
        capabilities: std::sync::Arc::new(samples::choosy()),
        loaded_models: BTreeSet::from(["sdxl".to_owned()]),
        resume: Vec::new(),
    }));
    for id in ["job-123", "job-124", "job-125"] {
        let spec =
            fleet::JobSpec { id: JobId::parse(id).unwrap(), ..samples::spec(samples::content(samples::PAYLOAD)) };
        tell(Command::Submit { spec: std::sync::Arc::new(spec), recalled: None });
    }
    tell(Command::Cancel { job: JobId::parse("job-125").unwrap() });
    tell(Command::Next(fleet::Next {
        worker,
        session: fleet::SessionId(7),
        have: Vec::new(),
        lease: fleet::LeaseId(42),
        until: Timestamp::default(),
        start: true,
    }));
    let progress = |job: &JobId| (job.as_str() == "job-123").then(|| Progress { fraction: 0.5, ..Progress::default() });
    let data = wire::snapshot::Snapshot::of(&ledger, &progress, at);
    monitor::snapshot_head("sse", None) + &monitor::snapshot_rest(&data, EVENT_ID, at)
}

#[test]
fn a_lease_is_a_secret_and_appears_in_no_message() {
    let lease = wire::agent::lease_text(fleet::LeaseId(42));
    for (name, event) in samples::events() {
        for message in [
            monitor::event(&event, EVENT_ID, &samples::contents),
            client::event(&event, EVENT_ID, &samples::contents, None),
        ] {
            assert!(!message.unwrap_or_default().contains(&lease), "{name}");
        }
    }
}
