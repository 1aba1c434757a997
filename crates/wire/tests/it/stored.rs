//! What is written to the journal is read back as it was, also by later versions.

use crate::samples;
use fleet::{Event, Fact};
use wire::stored;

#[test]
fn every_kind_of_event_is_read_as_it_was_written() {
    let events: Vec<Event> = samples::events().into_iter().map(|(_, event)| event).collect();
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
        assert_eq!((workflow_rank, &spec.timing, &spec.idempotency_key, &spec.retry_of), (None, &None, &None, &None));
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

#[test]
fn what_is_no_record_is_unreadable_and_says_why() {
    let error = stored::decode(br#"{"at":1,"facts":[[0,{"JobFlown":{}}]]}"#).unwrap_err();
    assert!(error.to_string().contains("JobFlown"), "{error}");
    let error = stored::decode(br#"{"at":1,"facts":[[0,{"JobForgotten":{"job":"no id"}}]]}"#).unwrap_err();
    assert!(error.to_string().contains("no id"), "{error}");
}
