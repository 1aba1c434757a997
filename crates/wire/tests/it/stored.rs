//! What is written to the journal is read back as it was, also by later versions.

use crate::samples;
use fleet::Event;
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
