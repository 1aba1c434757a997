//! `resync_request`: what a monitor missed, in one message.

use super::monitor_stream::MonitorStream;
use crate::feed::{Contents, Records, Resume};
use crate::limits;
use fleet::Timestamp;
use serde_json::value::RawValue;
use std::sync::Arc;
use store::{Store, StoreError};
use wire::monitor::MonitorBody;
use wire::requests::Since;
use wire::{Json, stored};

impl MonitorStream {
    /// Answers with the events after `since` that are subscribed to; a position that is not ours is
    /// answered like one that a stream comes back with.
    pub(super) async fn resync_response(&mut self, since: Since, events_max: usize, reference: Option<&Json>) {
        let store = self.doors.desk.store.clone();
        let after = match since {
            Since::Event(id) => match self.doors.desk.feed.resume(&store, &id.to_string()).await {
                Resume::From(at) => Ok(at.seq),
                Resume::Away => Err("the store is away".to_owned()),
                other => return self.resync(other.resync()),
            },
            Since::Time(time) => self.before(&store, time).await.map_err(|error| error.to_string()),
        };
        let missed = match after {
            Ok(after) => self.missed(&store, after, events_max).await,
            Err(why) => Err(why),
        };
        match missed {
            Ok(missed) => self.say_missed(&missed, reference),
            Err(why) => self.reply(MonitorBody::Error { code: "store_unavailable", error: &why }, reference),
        }
    }

    fn say_missed(&mut self, missed: &Missed, reference: Option<&Json>) {
        let monitor_id = self.monitor_id.clone();
        let body = MonitorBody::ResyncResponse {
            monitor_id: &monitor_id,
            events: missed.events.iter().map(|event| &**event).collect(),
            has_more: missed.has_more,
            oldest_available_timestamp: missed.oldest_at,
        };
        self.reply(body, reference);
    }

    async fn missed(&self, store: &Store, after: u64, events_max: usize) -> Result<Missed, String> {
        let feed = Arc::clone(&self.doors.desk.feed);
        let oldest_at = store.journal.extent().await.map_err(|error| error.to_string())?.oldest_at;
        let mut missed = Missed { events: Vec::new(), has_more: false, oldest_at };
        let (mut seq, mut bytes) = (after, 0);
        loop {
            let records = match feed.records_after(store, seq, Contents::Read).await {
                Records::Known(records) if records.is_empty() => return Ok(missed),
                Records::Known(records) => records,
                Records::Trimmed => return Err("what was asked for is no longer kept".to_owned()),
                Records::Away => return Err("the store is away".to_owned()),
            };
            for entry in records.iter().flat_map(|record| &record.entries).filter(|entry| entry.id.seq > seq) {
                let subscription = &self.cursor.subscription;
                if !feed.is_wanted(store, entry, subscription).await.map_err(|error| error.to_string())? {
                    continue;
                }
                let message = entry.monitor(subscription.variant.payloads);
                if missed.events.len() == events_max || bytes + message.len() > limits::RESYNC_BYTES_MAX {
                    missed.has_more = true;
                    return Ok(missed);
                }
                bytes += message.len();
                let text = String::from_utf8_lossy(message).into_owned();
                missed.events.extend(RawValue::from_string(text).ok());
            }
            seq = records.last().map_or(seq, |record| record.position.seq);
        }
    }

    /// The number of the last event before `time`, of those that are kept.
    async fn before(&self, store: &Store, time: Timestamp) -> Result<u64, StoreError> {
        let first = store.journal.extent().await?.oldest;
        let (mut low, mut high) = (first, self.doors.desk.feed.position().seq + 1);
        while low < high {
            let middle = low + (high - low) / 2;
            match first_at(store, middle).await? {
                Some(at) if at < time => low = middle + 1,
                _ => high = middle,
            }
        }
        Ok(low.saturating_sub(1))
    }
}

struct Missed {
    events: Vec<Json>,
    has_more: bool,
    oldest_at: i64,
}

/// When event `seq` happened.
async fn first_at(store: &Store, seq: u64) -> Result<Option<Timestamp>, StoreError> {
    let records = store.journal.read_after_seq(seq.saturating_sub(1), 1).await?;
    let Some(record) = records.first() else { return Ok(None) };
    let events = stored::decode(&record.bytes).unwrap_or_default();
    let index = usize::try_from(seq.saturating_sub(record.first)).unwrap_or(usize::MAX);
    Ok(events.get(index).map(|event| event.at))
}
