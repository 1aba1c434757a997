//! Events as the journal keeps them. What is written here is read by every later version:
//! fields may be added with a default, never renamed, never dropped.
//!
//! ```text
//!   record      {"at":<ms of the first>,"facts":[[<ms after at>,{"JobSubmitted":{…}}],…],"by":[[<which>,<principal>],…]}
//! ```
//!
//! A checkpoint's parts and an archived job are records, too: what has been told of one chapter
//! of the shortest story.

mod chapter;
mod fact;
mod following;
mod known;
mod parts;
mod text;

pub use chapter::part_key;

use bytes::Bytes;
use fact::StoredFact;
use fleet::{Event, Fact, Job, Ledger, PrincipalId, Rank, Timestamp};
use known::Knowledge;
use parts::Shown;
use serde::{Deserialize, Serialize};
use text::Text;

/// A record that cannot be read: written by a newer version, or not by us.
#[derive(Debug, thiserror::Error)]
#[error("a record of the journal cannot be read: {why}")]
pub struct Unreadable {
    pub why: String,
}

#[derive(Serialize, Deserialize)]
struct StoredRecord<'a> {
    at: i64,
    #[serde(borrow)]
    facts: Vec<(i64, StoredFact<'a>)>,
    /// Whose act the fact of this number was.
    #[serde(default, skip_serializing_if = "Vec::is_empty", borrow)]
    by: Vec<(usize, Text<'a>)>,
}

/// Bytes that one event takes about.
const EVENT_BYTES: usize = 384;

/// Writes records. It remembers how requirements are said.
#[derive(Default)]
pub struct Encoder {
    shown: Shown,
}

impl Encoder {
    /// The bytes of one record that holds `events` in order.
    #[must_use]
    pub fn encode(&mut self, events: &[Event]) -> Bytes {
        let specs = events.iter().filter_map(|event| match &event.fact {
            Fact::JobSubmitted { spec, .. } => Some(spec),
            _ => None,
        });
        specs.for_each(|spec| self.shown.learn(&spec.requirements));
        let at = events.first().map_or(0, |event| event.at.0);
        let facts =
            events.iter().map(|event| (event.at.0.saturating_sub(at), StoredFact::of(&event.fact, &self.shown)));
        let by = events.iter().enumerate().filter_map(|(n, event)| Some((n, event.by.as_ref()?.as_str().into())));
        let record = StoredRecord { at, facts: facts.collect(), by: by.collect() };
        let mut bytes = Vec::with_capacity(EVENT_BYTES * events.len().max(1));
        // Into memory, and every map has texts as its keys: there is nothing that can fail.
        let _ = serde_json::to_writer(&mut bytes, &record);
        // It may be kept for a while.
        bytes.shrink_to_fit();
        bytes.into()
    }
}

/// [`Encoder::encode`], for once.
#[must_use]
pub fn encode(events: &[Event]) -> Bytes {
    Encoder::default().encode(events)
}

/// Reads records. What they say again and again – customers, requirements – it reads once, and
/// the events share it.
#[derive(Default)]
pub struct Decoder {
    known: Knowledge,
}

impl Decoder {
    /// The events of one record.
    ///
    /// # Errors
    /// The bytes are no record of this version.
    pub fn decode(&mut self, bytes: &[u8]) -> Result<Vec<Event>, Unreadable> {
        let text = std::str::from_utf8(bytes).map_err(|error| Unreadable { why: error.to_string() })?;
        let record: StoredRecord<'_> =
            serde_json::from_str(text).map_err(|error| Unreadable { why: error.to_string() })?;
        let event = |(after, fact): (i64, StoredFact<'_>)| {
            let at = Timestamp(record.at.saturating_add(after));
            fact.into_fact(at, &mut self.known)
                .map(|fact| Event { at, fact, by: None })
                .map_err(|why| Unreadable { why })
        };
        let mut events = record.facts.into_iter().map(event).collect::<Result<Vec<_>, _>>()?;
        for (n, by) in record.by {
            let by = PrincipalId::parse(&by).map_err(|error| Unreadable { why: error.to_string() })?;
            if let Some(event) = events.get_mut(n) {
                event.by = Some(by);
            }
        }
        Ok(events)
    }
}

/// [`Decoder::decode`], for once.
///
/// # Errors
/// The bytes are no record of this version.
pub fn decode(bytes: &[u8]) -> Result<Vec<Event>, Unreadable> {
    Decoder::default().decode(bytes)
}

/// The one job of a record that holds a job's own story, and what its workflow's first job fixed.
///
/// # Errors
/// The bytes are no record of this version, or not the story of one job.
pub fn job(bytes: &[u8]) -> Result<(Job, Option<Rank>), Unreadable> {
    let events = decode(bytes)?;
    let fixed = match events.first().map(|event| &event.fact) {
        Some(Fact::JobSubmitted { workflow_rank, .. }) => *workflow_rank,
        _ => return Err(Unreadable { why: "the story of a job does not begin with its submission".to_owned() }),
    };
    let mut ledger = Ledger::default();
    events.iter().for_each(|event| ledger.apply(event));
    let mut jobs = ledger.submitted_before(u64::MAX);
    match (jobs.next(), jobs.next()) {
        (Some(job), None) => Ok((job.clone(), fixed)),
        _ => Err(Unreadable { why: "the story of a job tells of several".to_owned() }),
    }
}
