//! What is written to the journal is read back as it was, also by later versions.

use crate::{samples, samples_newer};
use fleet::{
    Chapter, ClientId, ClientKey, Command, Event, Fact, JobId, Ledger, MachineId, Options, Owner, PrincipalId, Service,
    Timestamp, Told, WorkerId, Workflow, WorkflowId,
};
use proptest::prelude::*;
use std::sync::Arc;
use wire::stored;

#[test]
fn every_kind_of_event_is_read_as_it_was_written() {
    let first_two = samples::events().into_iter().map(|(_, event)| event);
    let events: Vec<Event> =
        first_two.chain(samples_newer::third_events()).chain(samples_newer::fourth_events()).collect();
    assert_eq!(stored::decode(&stored::encode(&events)).unwrap(), events);
}

#[test]
fn whose_act_an_event_was_is_read_as_it_was_written_and_costs_others_nothing() {
    let mut events: Vec<Event> = samples::events().into_iter().map(|(_, event)| event).collect();
    let nobodys = stored::encode(&events);
    assert!(!String::from_utf8_lossy(&nobodys).contains("\"by\""));
    for (n, name) in [(1, "root"), (4, "operator+admin")] {
        events[n].by = Some(PrincipalId::parse(name).unwrap());
    }
    assert_eq!(stored::decode(&stored::encode(&events)).unwrap(), events);
}

/// The bytes that version 0.1.0 wrote. This file is never written anew: if it cannot be read,
/// the journals out there cannot be read either.
#[test]
fn the_first_version_s_records_are_still_read() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/golden/stored-0.1.0.json");
    let events: Vec<Event> = samples::first_events().into_iter().map(|(_, event)| event).collect();
    assert_eq!(stored::decode(&std::fs::read(file).unwrap()).unwrap(), events);
}

/// It had no workflows to remember: a job's place was always its own.
#[test]
fn a_job_of_the_first_version_has_its_own_rank() {
    let content = format!(r#"["{}",2]"#, "07".repeat(32));
    let job = |workflow: &str| {
        let head = r#"{"at":1000,"facts":[[5,{"JobSubmitted":{"id":"j","order":1,"service":"a","priority":8"#;
        let digest = "07".repeat(32);
        let tail = format!(r#","payload":{content},"attempts_max":3,"digest":"{digest}"{workflow}}}}}]]}}"#);
        let fact = stored::decode(format!("{head}{tail}").as_bytes()).unwrap().remove(0).fact;
        let Fact::JobSubmitted { spec, rank, workflow_rank, .. } = fact else { panic!("{fact:?}") };
        assert_eq!(
            (workflow_rank, spec.stated_timing(), spec.idempotency_key(), spec.retry_of()),
            (None, None, None, None)
        );
        (rank.priority, rank.at.0)
    };
    assert_eq!(job(""), (8, 1_005));
    let workflow = r#","workflow":{"id":"w","priority":null,"at":null,"step":1,"steps":2}"#;
    assert_eq!(job(workflow), (8, 1_005));
    let workflow = r#","workflow":{"id":"w","priority":70,"at":900,"step":1,"steps":2}"#;
    assert_eq!(job(workflow), (70, 900));
}

/// The bytes that version 0.2.0 wrote, with every fact and every field. Written once, with
/// `WRITE_STORED=1`, and not anew.
#[test]
fn the_second_version_s_records_are_still_read() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/golden/stored-0.2.0.json");
    let events: Vec<Event> = samples::events().into_iter().map(|(_, event)| event).collect();
    if std::env::var_os("WRITE_STORED").is_some() {
        std::fs::write(file, stored::encode(&events)).unwrap();
    }
    assert_eq!(stored::decode(&std::fs::read(file).unwrap()).unwrap(), events);
}

/// The bytes that version 0.3.0 wrote: every fact that it was the first to tell. Written once, with
/// `WRITE_STORED=1`, and not anew.
#[test]
fn the_third_version_s_records_are_still_read() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/golden/stored-0.3.0.json");
    let events = samples_newer::third_events();
    if std::env::var_os("WRITE_STORED").is_some() {
        std::fs::write(file, stored::encode(&events)).unwrap();
    }
    assert_eq!(stored::decode(&std::fs::read(file).unwrap()).unwrap(), events);
}

/// The bytes that version 0.4.0 wrote: every fact and field that it was the first to tell. Written once,
/// with `WRITE_STORED=1`, and not anew.
#[test]
fn the_fourth_version_s_records_are_still_read() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/golden/stored-0.4.0.json");
    let events = samples_newer::fourth_events();
    if std::env::var_os("WRITE_STORED").is_some() {
        std::fs::write(file, stored::encode(&events)).unwrap();
    }
    assert_eq!(stored::decode(&std::fs::read(file).unwrap()).unwrap(), events);
}

/// Records of earlier versions do not say how often clients were told of a job: it is counted.
#[test]
fn what_clients_were_told_of_a_job_of_earlier_versions_is_counted() {
    let mut ledger = Ledger::default();
    let told = samples::first_events().into_iter().map(|(_, event)| event).map(|event| {
        ledger.apply(&event);
        ledger.job(&samples::job()).map(|job| job.told)
    });
    // Submitted, assigned, started, returned; of what then cannot follow nothing is told.
    let told: Vec<u32> = told.flatten().take(12).collect();
    assert_eq!(told, [1, 1, 2, 3, 4, 4, 4, 4, 4, 4, 4, 5]);
}

/// Nobody is told of clients.
#[test]
fn what_clients_follow_is_told_to_nobody() {
    for event in samples_newer::fourth_events().into_iter().skip(5) {
        let told = (wire::monitor::event(&event, "1-2-3", &samples::contents), wire::client::subject(&event.fact));
        assert_eq!((told, wire::client::event(&event, "1-2-3", &samples::contents, None)), ((None, None), None));
    }
}

/// What the archive keeps of a job.
#[test]
fn a_job_s_own_story_is_read_as_the_job() {
    let mut ledger = Ledger::default();
    let mut told = Told::default();
    let mut tell = |command| ledger.handle(command, Timestamp(1_000), &mut told).map(drop).unwrap();
    let workflow = Workflow {
        id: Some(WorkflowId::parse("wf").unwrap()),
        priority: Some(70),
        at: Some(Timestamp(9)),
        step: None,
        steps: None,
    };
    let mut spec = samples_newer::whole_spec();
    spec.options = Options { workflow: Some(workflow), ..*spec.options.unwrap() }.stated();
    let (id, other) = (spec.id.clone(), JobId::parse("other").unwrap());
    spec.owner = Arc::new(Owner { client: Some(ClientId::parse("app").unwrap()), ..Owner::default() });
    for spec in [spec.again(other, Arc::default(), Timestamp(1_000)), spec] {
        tell(Command::Submit { spec: Arc::new(spec), recalled: None });
    }
    tell(Command::Cancel { job: id.clone() });
    let job = ledger.job(&id).unwrap();
    let story = ledger.story_of(&Chapter::Ended(Timestamp(1_000), job.order));
    assert_eq!(stored::job(&stored::encode(&story)).unwrap(), (job.clone(), Some(job.rank)));
    let both: Vec<Event> = ledger.shortest_story().skip(1).collect();
    assert!(stored::job(&stored::encode(&both)).is_err(), "two are not one");
    assert!(stored::job(&stored::encode(&[])).is_err());
    assert!(stored::job(&stored::encode(&samples_newer::third_events())).is_err());
}

fn chapter() -> impl Strategy<Value = Chapter> {
    let number = || prop_oneof![0u64..300, any::<u64>()];
    let name = "[a-c][a-c:]{0,3}";
    let time = prop_oneof![-300i64..300, any::<i64>()];
    prop_oneof![
        Just(Chapter::Counted),
        (time, number()).prop_map(|(at, order)| Chapter::Ended(Timestamp(at), order)),
        number().prop_map(Chapter::Live),
        name.prop_map(|name| Chapter::Paused(Service::parse(&name).unwrap())),
        name.prop_map(|name| Chapter::Machine(MachineId::parse(&name).unwrap())),
        name.prop_map(|name| Chapter::Worker(WorkerId::parse(&name).unwrap())),
        number().prop_map(Chapter::Held),
        (name, name).prop_map(|(principal, client)| {
            let (principal, client) = (PrincipalId::parse(&principal).unwrap(), ClientId::parse(&client).unwrap());
            Chapter::Client(ClientKey { principal, client })
        }),
    ]
}

proptest! {
    /// Parts are read by their keys, and must be told in the order of the story.
    #[test]
    fn keys_are_in_the_order_of_the_chapters(a in chapter(), b in chapter()) {
        prop_assert_eq!(stored::part_key(&a).cmp(&stored::part_key(&b)), a.cmp(&b));
    }
}

/// Where a principal ends its client does not begin.
#[test]
fn the_keys_of_clients_tell_their_principals_apart() {
    let chapter = |principal: &str, client: &str| {
        let (principal, client) = (PrincipalId::parse(principal).unwrap(), ClientId::parse(client).unwrap());
        Chapter::Client(ClientKey { principal, client })
    };
    let ordered = [chapter("a", "bc"), chapter("a", "z"), chapter("a:", "a"), chapter("ab", "c")];
    let keys = ordered.map(|chapter| stored::part_key(&chapter));
    assert!(keys.is_sorted_by(|one, next| one < next), "{keys:?}");
}

/// One that has read and written before does both as one that has not.
#[test]
fn what_is_said_again_is_the_same_and_shared() {
    let (mut encoder, mut decoder) = (stored::Encoder::default(), stored::Decoder::default());
    let events: Vec<Event> = samples::events().into_iter().map(|(_, event)| event).collect();
    for _ in 0..2 {
        let bytes = encoder.encode(&events);
        assert_eq!(bytes, stored::encode(&events));
        assert_eq!(decoder.decode(&bytes).unwrap(), events);
    }
    let mut spec_of = |service: &str, needs: &str| {
        let hash = "07".repeat(32);
        let text = format!(
            r#"{{"at":1,"facts":[[0,{{"JobSubmitted":{{"id":"j","order":1,"service":"{service}","priority":8,"requirements":{needs},"payload":["{hash}",2],"attempts_max":3,"customer":"acme","digest":"{hash}"}}}}]]}}"#
        );
        let fact = decoder.decode(text.as_bytes()).unwrap().remove(0).fact;
        let Fact::JobSubmitted { spec, .. } = fact else { panic!("{fact:?}") };
        (Arc::clone(&spec.requirements), spec.customer.clone().unwrap())
    };
    let (eu, us) = (r#"{"region":"eu"}"#, r#"{"region":"us"}"#);
    let ((one, customer), (other, known)) = (spec_of("a", eu), spec_of("a", eu));
    assert!(Arc::ptr_eq(&one, &other) && std::ptr::eq(customer.as_str(), known.as_str()));
    assert_ne!(one, spec_of("a", us).0);
    assert_ne!(one, spec_of("b", eu).0, "another service is another class");
}

#[test]
fn what_is_no_record_is_unreadable_and_says_why() {
    let error = stored::decode(br#"{"at":1,"facts":[[0,{"JobFlown":{}}]]}"#).unwrap_err();
    assert!(error.to_string().contains("JobFlown"), "{error}");
    let error = stored::decode(br#"{"at":1,"facts":[[0,{"JobForgotten":{"job":"no id"}}]]}"#).unwrap_err();
    assert!(error.to_string().contains("no id"), "{error}");
}
