//! The events of one job, kept while somebody watches it, for all who do.

use super::view::event_id;
use super::{Entry, Feed};
use crate::limits;
use fleet::JobId;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use wire::EventId;

#[derive(Default)]
pub(super) struct Trails(HashMap<JobId, TrailEntries>);

struct TrailEntries {
    watchers: usize,
    /// Everything about the job after this number is in `entries`.
    after: u64,
    entries: VecDeque<Arc<Entry>>,
}

/// The right to read one job's trail; while it is held the trail is kept.
pub(crate) struct Trail {
    feed: Arc<Feed>,
    pub(crate) job: JobId,
}

impl Trails {
    pub(super) fn add(&mut self, entry: &Arc<Entry>) {
        let Some(job) = wire::client::subject(&entry.event.fact) else { return };
        let Some(trail) = self.0.get_mut(job) else { return };
        if trail.entries.len() == limits::TRAIL_EVENTS_MAX
            && let Some(oldest) = trail.entries.pop_front()
        {
            trail.after = oldest.id.seq;
        }
        trail.entries.push_back(Arc::clone(entry));
    }
}

impl Trail {
    /// Keeps the trail of `job` from now on.
    pub(crate) fn follow(feed: &Arc<Feed>, job: JobId) -> Trail {
        {
            let mut told = feed.told();
            let after = told.log.head().seq;
            let new = || TrailEntries { watchers: 0, after, entries: VecDeque::new() };
            told.trails.0.entry(job.clone()).or_insert_with(new).watchers += 1;
        }
        Trail { feed: Arc::clone(feed), job }
    }

    /// The job's events after number `seq`, and up to where there are no others; `None` if the
    /// trail begins later.
    pub(crate) fn after(&self, seq: u64) -> Option<(Vec<Arc<Entry>>, EventId)> {
        let told = self.feed.told();
        let trail = told.trails.0.get(&self.job)?;
        if seq < trail.after {
            return None;
        }
        let from = trail.entries.partition_point(|entry| entry.id.seq <= seq);
        Some((trail.entries.range(from..).cloned().collect(), event_id(told.log.head())))
    }

    /// The messages of what is passing about the job, told after `version`, and the version now.
    pub(crate) fn passing_after(&self, version: u64) -> (Vec<String>, u64) {
        let told = self.feed.told();
        let values = told.passing.about(&self.job, version);
        (values.iter().filter_map(super::passing::Value::client_message).collect(), told.passing.version())
    }
}

impl Drop for Trail {
    fn drop(&mut self) {
        let mut told = self.feed.told();
        let Some(trail) = told.trails.0.get_mut(&self.job) else { return };
        trail.watchers -= 1;
        if trail.watchers == 0 {
            told.trails.0.remove(&self.job);
        }
    }
}
