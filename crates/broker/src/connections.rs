//! Who watches now, how far behind each is, and how one is told to end.

use crate::access::Place;
use crate::limits;
use fleet::{PrincipalId, Timestamp};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// All streams and sockets, by the order in which they came.
#[derive(Default)]
pub(crate) struct Connections(Mutex<Open>);

#[derive(Default)]
struct Open {
    came: u64,
    by_number: BTreeMap<u64, Arc<Watcher>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Monitor,
    Client,
    /// A client of the older door.
    Legacy,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Transport {
    Socket,
    Sse,
}

impl Kind {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Kind::Monitor => "monitor",
            Kind::Client => "client",
            Kind::Legacy => "legacy",
        }
    }
}

impl Transport {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Transport::Socket => "socket",
            Transport::Sse => "sse",
        }
    }
}

/// What a connection is for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Watches {
    pub(crate) kind: Kind,
    pub(crate) transport: Transport,
    /// What it calls itself; `None`: it does not say.
    pub(crate) id: Option<String>,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Watcher {
    pub(crate) watches: Watches,
    pub(crate) principal: PrincipalId,
    pub(crate) address: IpAddr,
    pub(crate) connected_at: Timestamp,
    /// The number of the last event it was given, or that was passed over.
    pub(crate) at: AtomicU64,
    /// It has everything that concerns it, and waits for more.
    is_idle: AtomicBool,
    /// When it last had everything, in Unix milliseconds.
    pub(crate) caught_up_at: AtomicI64,
    /// Bytes that wait for it to take them.
    pub(crate) queued: AtomicU64,
    /// Cancelled when another one takes its place.
    pub(crate) taken_over: CancellationToken,
    /// Why it ends, if it is not because the other side has gone.
    why: OnceLock<&'static str>,
}

/// A place among the connections, for as long as it is held.
pub(crate) struct Seat {
    all: Arc<Connections>,
    number: u64,
    pub(crate) watcher: Arc<Watcher>,
    since: Instant,
    _place: Place,
}

impl Watcher {
    pub(crate) fn new(watches: Watches, principal: PrincipalId, address: IpAddr, now: Timestamp) -> Watcher {
        Watcher {
            watches,
            principal,
            address,
            connected_at: now,
            at: AtomicU64::new(0),
            is_idle: AtomicBool::new(true),
            caught_up_at: AtomicI64::new(now.0),
            queued: AtomicU64::new(0),
            taken_over: CancellationToken::new(),
            why: OnceLock::new(),
        }
    }

    pub(crate) fn is_monitor(&self) -> bool {
        self.watches.kind == Kind::Monitor
    }

    /// It stands there.
    pub(crate) fn stands(&self, at: u64) {
        self.at.store(at, Ordering::Relaxed);
        self.is_idle.store(false, Ordering::Relaxed);
    }

    /// How many events it is behind: none if it has all that concerns it, whatever has passed by since.
    pub(crate) fn lag(&self, head: u64) -> u64 {
        match self.is_idle.load(Ordering::Relaxed) {
            true => 0,
            false => head.saturating_sub(self.at.load(Ordering::Relaxed)),
        }
    }

    /// For the log; the first reason holds.
    pub(crate) fn ends(&self, why: &'static str) {
        let _ = self.why.set(why);
    }

    pub(crate) fn has_everything(&self, now: Timestamp) {
        self.caught_up_at.store(now.0, Ordering::Relaxed);
        self.is_idle.store(true, Ordering::Relaxed);
    }

    /// Whether `other` calls itself the same. Ids are scoped to the principal and the door.
    fn is_namesake(&self, other: &Watcher) -> bool {
        let (ours, theirs) = (&self.watches.id, &other.watches.id);
        self.is_monitor() == other.is_monitor() && ours.is_some() && ours == theirs && self.principal == other.principal
    }
}

impl Connections {
    /// Takes a place. A monitor's id belongs to one connection: an older one of the same name is
    /// taken over. A client's belongs to several: one too many takes over the oldest.
    pub(crate) fn sit(self: &Arc<Connections>, watcher: Watcher, place: Place) -> Seat {
        let watcher = Arc::new(watcher);
        let mut open = self.open();
        let mut namesakes =
            open.by_number.values().filter(|other| watcher.is_namesake(other) && !other.taken_over.is_cancelled());
        let shared = if watcher.is_monitor() { 1 } else { limits::SHARED_CLIENT_MAX };
        if namesakes.clone().count() >= shared
            && let Some(oldest) = namesakes.next()
        {
            oldest.taken_over.cancel();
        }
        open.came += 1;
        let number = open.came;
        open.by_number.insert(number, Arc::clone(&watcher));
        drop(open);
        let Watches { kind, transport, id } = &watcher.watches;
        let (kind, transport, id) = (kind.word(), transport.word(), id.as_deref());
        tracing::debug!(number, kind, transport, id, principal = %watcher.principal, "a watcher came");
        Seat { all: Arc::clone(self), number, watcher, since: Instant::now(), _place: place }
    }

    pub(crate) fn all(&self) -> Vec<Arc<Watcher>> {
        self.open().by_number.values().cloned().collect()
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    /// By its own number: a late close disturbs nobody who took the name over.
    fn drop(&mut self) {
        self.all.open().by_number.remove(&self.number);
        let Watches { kind, transport, id } = &self.watcher.watches;
        let (kind, transport, id) = (kind.word(), transport.word(), id.as_deref());
        let (number, principal, seconds) = (self.number, &self.watcher.principal, self.since.elapsed().as_secs_f64());
        let why = self.watcher.why.get().copied().unwrap_or("it hung up");
        tracing::debug!(number, kind, transport, id, %principal, why, seconds, "a watcher went");
    }
}
