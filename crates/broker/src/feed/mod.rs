//! Telling. What is durable is published once; every connection reads it with a cursor.
//!
//! ```text
//!   publish ─▶ view      what may be read: snapshots, lists, GET
//!           ─▶ log       encoded events, shared by all who watch everything
//!           ─▶ trails    the events of each job that somebody watches
//!           ─▶ bells     wakes who waits for a worker's, a machine's, a job's next event
//! ```
//!
//! There is no queue per connection. A reader that falls behind costs nothing; when the log
//! has moved past it, it reads the journal instead.

mod bells;
mod cursor;
mod cut;
pub(crate) mod facets;
mod framing;
mod latest;
mod log;
mod passing;
mod published;
mod resume;
mod rounds;
mod trail;
mod view;

pub(crate) use bells::{Bell, Key};
pub(crate) use cursor::{Cursor, Piece, Subscription};
pub(crate) use cut::Still;
pub(crate) use framing::Framing;
pub(crate) use published::{Contents, Entry, Published, ReadError, Variant};
pub(crate) use resume::Resume;
pub use trail::Of;
pub(crate) use trail::{CaughtUp, Follower, Taken};
pub(crate) use view::View;

use crate::contents::Recent;
use crate::limits;
use bells::Bells;
use fleet::{Chapter, Fact, Job, JobId, Ledger, Progress, Pulse, Timestamp};
use log::Log;
use passing::Passing;
use rounds::Rounds;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;
use store::{Position, Store, StoreError};
use tokio::sync::watch;
use trail::Trails;
use wire::monitor::Upstream;

pub(crate) struct Feed {
    view: RwLock<View>,
    told: Mutex<ToldSoFar>,
    recent: Mutex<Recent>,
    bells: Bells,
    /// Goes up with everything that is told; readers that have everything wait for it.
    version: watch::Sender<u64>,
    /// The same for those who are told everything, not more often than telling can keep up with.
    beat: watch::Sender<u64>,
    rounds: Mutex<Rounds>,
    pub(crate) monitors: AtomicU64,
    pub(crate) clients: AtomicU64,
    pub(crate) workers: AtomicU64,
    /// The event that the archive has read up to.
    pub(crate) archived: AtomicU64,
}

/// Behind one lock, so that a reader sees durable and passing messages of one moment.
struct ToldSoFar {
    log: Log,
    trails: Trails,
    passing: Passing,
    upstream: UpstreamState,
}

/// What a reader that is behind can be given.
pub(crate) enum Records {
    Known(Vec<Arc<Published>>),
    /// What follows is no longer kept: only a snapshot helps.
    Trimmed,
    /// The store is away, so what the log no longer holds cannot be read now.
    Away,
}

/// Whether the store is there.
#[derive(Clone, Debug)]
pub(crate) struct UpstreamState {
    pub(crate) upstream: Upstream,
    pub(crate) error: Option<String>,
}

impl Feed {
    /// A feed that has told nothing: the state of `ledger` is that after `at`, and these parts of it
    /// changed since the last checkpoint.
    pub(crate) fn new(ledger: Ledger, at: Position, changed: BTreeSet<Chapter>) -> Feed {
        let upstream = UpstreamState { upstream: Upstream::Live, error: None };
        Feed {
            view: RwLock::new(View::new(ledger, at, changed)),
            told: Mutex::new(ToldSoFar {
                log: Log::after(at),
                trails: Trails::default(),
                passing: Passing::default(),
                upstream,
            }),
            recent: Mutex::default(),
            bells: Bells::default(),
            version: watch::Sender::new(0),
            beat: watch::Sender::new(0),
            rounds: Mutex::default(),
            monitors: AtomicU64::new(0),
            clients: AtomicU64::new(0),
            workers: AtomicU64::new(0),
            archived: AtomicU64::new(0),
        }
    }

    /// Tells a record that is durable. Called by the dispatcher alone, in order; `rows` are the
    /// jobs that its ledger and the view know alike after this record.
    pub(crate) fn publish(&self, published: Published, rows: &[Arc<Job>]) {
        let published = Arc::new(published);
        self.view_mut().fold(&published, rows);
        let subject = |entry: &Arc<Entry>| wire::client::subject(&entry.event.fact).cloned();
        // After the record was folded: whoever begins to follow now finds in the view what is not noted.
        let routed = |entry| subject(entry).map(|job| (entry.id.seq, self.route(&job), job));
        let routes: Vec<_> = published.entries.iter().filter_map(routed).collect();
        {
            let mut told = self.told();
            let ToldSoFar { log, trails, passing, .. } = &mut *told;
            for (entry, (_, route, job)) in
                published.entries.iter().filter(|entry| subject(entry).is_some()).zip(&routes)
            {
                if let Fact::JobFinished { .. } | Fact::JobReturned { .. } = &entry.event.fact {
                    passing.forget(&passing::Subject::Progress(job.clone()));
                    trails.note_progress(job, None, route);
                }
            }
            log.push(Arc::clone(&published));
            for (seq, route, job) in &routes {
                trails.note(job, *seq, route);
            }
        }
        for entry in &published.entries {
            self.bells.ring_for(&entry.event.fact);
        }
        self.bump();
    }

    /// Tells what is passing. Called by the dispatcher alone, after the events that led to it.
    pub(crate) fn pulse(&self, pulses: Vec<Pulse>) {
        // A job may have ended later in the same batch.
        let runs = |job: &JobId| self.view().ledger.job(job).is_some_and(|job| job.lease().is_some());
        for pulse in pulses {
            let Pulse::Progress { job, .. } = &pulse;
            let job = job.clone();
            if runs(&job) {
                let route = self.route(&job);
                let mut told = self.told();
                let version = told.passing.put(passing::Subject::Progress(job.clone()), passing::Value::Pulse(pulse));
                told.trails.note_progress(&job, Some(version), &route);
                drop(told);
                self.bump();
            }
        }
    }

    /// Tells the counts, if they have changed since they were last told.
    pub(crate) fn tell_stats(&self, now: Timestamp) {
        let stats = self.view().ledger.tally().into();
        if self.told().passing.put_if_new(passing::Subject::Stats, passing::Value::Stats(stats, now)) {
            self.bump();
        }
    }

    /// Tells that the store is away, and why, or that it is back.
    pub(crate) fn upstream(&self, error: Option<String>, now: Timestamp) {
        let upstream = if error.is_some() { Upstream::Stale } else { Upstream::Live };
        let mut told = self.told();
        told.upstream = UpstreamState { upstream, error };
        told.passing.put(passing::Subject::Upstream, passing::Value::Upstream(upstream, now));
        told.trails.ring_all();
        drop(told);
        // Once it is back, whoever stood ready is forgotten by a ledger made anew and asks again.
        self.bells.ring_all_of(|key| upstream == Upstream::Live || matches!(key, Key::Job(_)));
        self.bump();
    }

    pub(crate) fn upstream_state(&self) -> UpstreamState {
        self.told().upstream.clone()
    }

    /// What may be read. The guard must not be held across an `await`.
    pub(crate) fn view(&self) -> RwLockReadGuard<'_, View> {
        self.view.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The position after everything that was published.
    pub(crate) fn position(&self) -> Position {
        self.view().position
    }

    /// What was last heard of a running job.
    pub(crate) fn progress(&self, job: &JobId) -> Option<Progress> {
        self.told().passing.progress(job)
    }

    /// Waits until the view has seen event `seq`, or something is told that is none.
    pub(crate) async fn view_reaches(&self, seq: u64) {
        let mut version = self.version.subscribe();
        while self.position().seq < seq && version.changed().await.is_ok() {}
    }

    /// The records that hold events after number `seq`, oldest first and at most a page of
    /// them: from the log while it reaches back so far, else from the journal, and then with
    /// contents or without.
    pub(crate) async fn records_after(&self, store: &Store, seq: u64, contents: Contents) -> Records {
        if let Some(known) = self.in_memory_after(seq) {
            return Records::Known(known);
        }
        let read = match store.journal.read_after_seq(seq, limits::CATCH_UP_BYTES_MAX).await {
            Ok(read) if !read.is_empty() => read,
            Ok(_) | Err(StoreError::Trimmed { .. } | StoreError::Rewound { .. }) => return Records::Trimmed,
            Err(error) => {
                tracing::warn!(%error, "a watcher waits for the store to catch up");
                return Records::Away;
            }
        };
        let (mut known, mut bytes) = (Vec::with_capacity(read.len()), 0);
        for record in &read {
            if bytes > limits::CATCH_UP_BYTES_MAX {
                break;
            }
            match Published::read(self, store, record, contents).await {
                Ok(published) => {
                    bytes += published.bytes();
                    known.push(Arc::new(published));
                }
                Err(ReadError::Store(_)) => return Records::Away,
                Err(ReadError::Unreadable(error)) => {
                    tracing::error!(%error, "a watcher cannot catch up");
                    return Records::Trimmed;
                }
            }
        }
        Records::Known(known)
    }

    /// The records after number `seq` that are still in memory; `None` if they begin later.
    pub(crate) fn in_memory_after(&self, seq: u64) -> Option<Vec<Arc<Published>>> {
        self.told().log.after_seq(seq).map(|records| records.cloned().collect())
    }

    /// Wakes those who are told everything: at once while few watch; with every watcher more frames
    /// gather before all are told, so that telling keeps to its share of a core.
    pub(crate) async fn keep_time(&self) {
        let mut version = self.version.subscribe();
        while version.changed().await.is_ok() {
            self.beat.send_modify(|beat| *beat += 1);
            if let Some(tick) = self.tick() {
                tokio::time::sleep(tick).await;
            }
        }
    }

    fn tick(&self) -> Option<Duration> {
        let watchers = u32::try_from(self.monitors.load(Ordering::Relaxed)).unwrap_or(u32::MAX);
        let tick = limits::WRITE_COST.saturating_mul(watchers).saturating_mul(limits::TELL_SHARE_DIVISOR);
        (tick >= limits::TICK_MIN).then(|| tick.min(limits::TICK_MAX))
    }

    /// Contents that were written lately.
    pub(crate) fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rounds(&self) -> MutexGuard<'_, Rounds> {
        self.rounds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn bump(&self) {
        self.version.send_modify(|version| *version += 1);
    }

    fn view_mut(&self) -> std::sync::RwLockWriteGuard<'_, View> {
        self.view.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn told(&self) -> MutexGuard<'_, ToldSoFar> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts a connection while it lives.
pub(crate) struct Counted(Arc<Feed>, fn(&Feed) -> &AtomicU64);

impl Counted {
    pub(crate) fn new(feed: &Arc<Feed>, which: fn(&Feed) -> &AtomicU64) -> Counted {
        which(feed).fetch_add(1, Ordering::Relaxed);
        Counted(Arc::clone(feed), which)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        (self.1)(&self.0).fetch_sub(1, Ordering::Relaxed);
    }
}
