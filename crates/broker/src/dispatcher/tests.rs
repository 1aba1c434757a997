//! What a standstill costs, and what it does not.

use super::*;
use crate::desk::Desk;
use fleet::{Beat, JobId, JoinWorker, LeaseId, MachineId, Next, SessionId, Status, Timestamp, WorkerId};
use std::time::Duration;

async fn desk() -> Desk {
    let (store, _) = memory();
    desk_with(store, fleet::Rules::default()).await
}

/// A store, and its journal, which fails when it is told to.
fn memory() -> (Store, store::MemoryJournal) {
    let journal = store::MemoryJournal::new();
    let store = store::open("memory:", &store::Options::default()).unwrap();
    (Store { journal: Arc::new(journal.clone()), ..store }, journal)
}

/// The clock of these tests goes on only while everybody waits: this takes no time.
async fn until_passed(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

fn join(id: &str) -> Command {
    Command::JoinMachine { machine: MachineId::parse(id).unwrap(), facts: fleet::MachineFacts::default() }
}

async fn desk_with(store: Store, rules: fleet::Rules) -> Desk {
    let office::Opening { office, feed, last_at, .. } = office::open(&store, rules).await.unwrap();
    let (feed, clock) = (Arc::new(feed), Arc::new(Clock::starting_after(last_at)));
    let (inbox, asks) = mpsc::channel(limits::INBOX_ASKS_MAX);
    let dispatcher = Dispatcher {
        inbox: asks,
        office,
        store: store.clone(),
        feed: Arc::clone(&feed),
        clock: Arc::clone(&clock),
        shutdown: CancellationToken::new(),
        rules,
        epoch: Arc::default(),
        encoder: stored::Encoder::default(),
        awake: Awake::default(),
        metrics: Arc::new(Metrics::new(clock.now())),
    };
    tokio::spawn(dispatcher.run());
    Desk { inbox, feed, clock, store }
}

/// A job under a lease of a machine that beats.
async fn running(desk: &Desk) -> (JobId, Beat) {
    let ask = async |command| desk.ask(command).await.unwrap();
    let (machine, worker) = (MachineId::parse("m").unwrap(), WorkerId::parse("w").unwrap());
    let body = br#"{"job_id":"j","job_type":"hash"}"#;
    let job = JobId::parse("j").unwrap();
    let spec = wire::jobs::parse_submission(body, job.clone(), None, desk.now()).unwrap().spec;
    ask(Command::JoinMachine { machine: machine.clone(), facts: fleet::MachineFacts::default() }).await;
    let services = std::collections::BTreeSet::from([spec.requirements.service.clone()]);
    ask(Command::JoinWorker(JoinWorker {
        worker: worker.clone(),
        machine: machine.clone(),
        session: SessionId(1),
        slots: 1,
        capabilities: Arc::new(fleet::Capabilities { services, ..Default::default() }),
        loaded_models: std::collections::BTreeSet::new(),
        resume: Vec::new(),
    }))
    .await;
    ask(Command::Submit { spec: Arc::new(spec), recalled: None }).await;
    let (lease, until) = (LeaseId(1), Timestamp::default());
    ask(Command::Next(Next { worker, session: SessionId(1), have: Vec::new(), lease, until, start: true })).await;
    (job, Beat { machine, phase: None, leases: vec![lease], workers: Vec::new(), services: Vec::new() })
}

fn status(desk: &Desk, job: &JobId) -> Status {
    desk.feed.view().ledger.job(job).unwrap().status()
}

#[tokio::test(start_paused = true)]
async fn a_standstill_of_the_broker_costs_no_living_worker_its_lease() {
    let desk = desk().await;
    let (job, beat) = running(&desk).await;
    // All tasks are away for longer than a lease.
    tokio::time::advance(Duration::from_millis(9_500)).await;
    until_passed(1).await;
    let decided = desk.ask(Command::Beat(beat)).await.unwrap();
    assert_eq!(decided.answer, Answer::Orders(fleet::Orders::default()), "nothing to stop");
    assert_eq!(status(&desk, &job), Status::InProgress);
}

/// It may end when a deadline has just passed, and before what was said meanwhile is heard.
#[tokio::test(start_paused = true)]
async fn a_standstill_that_ends_just_after_a_deadline_costs_no_lease_either() {
    let desk = desk().await;
    let (job, beat) = running(&desk).await;
    until_passed(1_500).await;
    tokio::time::advance(Duration::from_millis(6_700)).await;
    until_passed(1).await;
    desk.ask(Command::Beat(beat)).await.unwrap();
    assert_eq!(status(&desk, &job), Status::InProgress);
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_stays_away_loses_its_lease_in_time() {
    let desk = desk().await;
    let (job, _) = running(&desk).await;
    until_passed(7_900).await;
    assert_eq!(status(&desk, &job), Status::InProgress);
    until_passed(200).await;
    assert_eq!(status(&desk, &job), Status::Pending);
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_costs_no_lease_and_refuses_for_long_only_what_takes_in_work() {
    let (store, journal) = memory();
    let desk = desk_with(store, fleet::Rules::default()).await;
    let (job, beat) = running(&desk).await;
    let term = desk.feed.position().epoch;
    let ask = async |command| desk.ask(command).await.map(|decided| decided.answer);
    until_passed(7_500).await;
    journal.fail(Some(|| StoreError::Full { why: "no space left".to_owned() }));
    let unknown = ask(join("other")).await;
    assert!(matches!(unknown, Err(NotDecided::StoreUnavailable(_))), "{unknown:?}");
    // The lease would end soon, and this is its last chance.
    let refused = ask(Command::Beat(beat.clone())).await.unwrap_err();
    assert_eq!((refused.problem().status, refused.retry_after_s()), (503, Some(1)));
    let ended = Arc::clone(&desk.feed.view().ledger.job(&job).unwrap().spec);
    let spec = Arc::new(ended.again(JobId::parse("k").unwrap(), Arc::default(), desk.now()));
    let refused = ask(Command::Submit { spec, recalled: None }).await.unwrap_err();
    assert_eq!((refused.problem().status, refused.retry_after_s()), (507, Some(30)));
    until_passed(650).await;
    journal.fail(None);
    until_passed(600).await;
    assert_eq!(ask(Command::Beat(beat)).await.unwrap(), Answer::Orders(fleet::Orders::default()), "nothing to stop");
    assert_eq!(status(&desk, &job), Status::InProgress);
    assert!(desk.feed.view().ledger.machine(&MachineId::parse("other").unwrap()).is_some(), "it did happen");
    ask(join("third")).await.unwrap();
    assert_eq!(desk.feed.position().epoch, term, "the ledger was kept, in one term");
}

#[tokio::test(start_paused = true)]
async fn what_is_archived_is_forgotten_also_by_a_ledger_that_was_made_anew_and_hears_nothing_new() {
    let (store, journal) = memory();
    let rules = fleet::Rules { finished_tail: 0, ..fleet::Rules::default() };
    let desk = desk_with(store, rules).await;
    let archiver = crate::archiver::Archiver::open(desk.clone(), false).await.unwrap();
    tokio::spawn(archiver.run(CancellationToken::new()));
    let (job, _) = running(&desk).await;
    desk.ask(Command::Cancel { job: job.clone() }).await.unwrap();
    until_passed(1).await;
    desk.ask(join("later")).await.unwrap();
    until_passed(2_000).await;
    assert!(desk.store.archive.entry(1).await.unwrap().is_some());
    let term = desk.feed.position().epoch;
    journal.fail(Some(|| StoreError::Unavailable { why: "a storm".to_owned() }));
    desk.ask(join("other")).await.unwrap_err();
    journal.fail(None);
    until_passed(70_000).await;
    assert!(desk.feed.view().ledger.job(&job).is_none());
    desk.ask(join("third")).await.unwrap();
    assert!(desk.feed.position().epoch > term, "the ledger was made anew");
}
