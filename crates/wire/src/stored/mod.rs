//! Events as the journal keeps them. What is written here is read by every later version:
//! fields may be added with a default, never renamed, never dropped.
//!
//! ```text
//!   record      {"at":<ms of the first>,"facts":[[<ms after at>,{"JobSubmitted":{…}}],…]}
//! ```

mod fact;
mod parts;

use bytes::Bytes;
use fact::StoredFact;
use fleet::{Event, Timestamp};
use serde::{Deserialize, Serialize};

/// A record that cannot be read: written by a newer version, or not by us.
#[derive(Debug, thiserror::Error)]
#[error("a record of the journal cannot be read: {why}")]
pub struct Unreadable {
    pub why: String,
}

#[derive(Serialize, Deserialize)]
struct StoredRecord {
    at: i64,
    facts: Vec<(i64, StoredFact)>,
}

/// The bytes of one record that holds `events` in order.
#[must_use]
pub fn encode(events: &[Event]) -> Bytes {
    let at = events.first().map_or(0, |event| event.at.0);
    let facts = events.iter().map(|event| (event.at.0 - at, StoredFact::from(&event.fact))).collect();
    serde_json::to_vec(&StoredRecord { at, facts }).unwrap_or_default().into()
}

/// The events of one record.
///
/// # Errors
/// The bytes are no record of this version.
pub fn decode(bytes: &[u8]) -> Result<Vec<Event>, Unreadable> {
    let record: StoredRecord = serde_json::from_slice(bytes).map_err(|error| Unreadable { why: error.to_string() })?;
    let event = |(after, fact): (i64, StoredFact)| {
        let at = Timestamp(record.at.saturating_add(after));
        fact.into_fact(at).map(|fact| Event { at, fact }).map_err(|why| Unreadable { why })
    };
    record.facts.into_iter().map(event).collect()
}
