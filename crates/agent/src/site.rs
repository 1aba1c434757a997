//! What the tasks of one agent share.

use crate::config::{Config, EngineConfig};
use crate::engine::{self, Engine};
use crate::leases::Leases;
use crate::machine::least_pause;
use client::{Backoff, Client};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, watch};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use wire::agent::Orders;

pub(crate) struct Site {
    pub config: Config,
    pub broker: Client,
    pub engines: BTreeMap<String, Arc<dyn Engine>>,
    pub leases: Arc<Leases>,
    /// How often the machine has joined. A change means that the broker had forgotten it, and its
    /// workers with it.
    pub joined: watch::Sender<u64>,
    /// How often to beat.
    pub heartbeat: watch::Sender<Duration>,
    /// The broker was away and answers again: who waits to try again need not wait longer.
    back: Notify,
    /// Beat without waiting for the next time.
    pub beat_now: Notify,
    /// The broker wants nothing new to be taken.
    pub draining: watch::Sender<bool>,
    /// Nothing new is taken; what runs goes on.
    pub shutdown: CancellationToken,
    /// What still runs is stopped and handed back.
    pub handback: CancellationToken,
    /// Workers that have registered once, or never will.
    settled: AtomicUsize,
}

impl Site {
    pub(crate) fn new(config: Config, broker: Client, shutdown: CancellationToken) -> Site {
        let engines = config.services.iter().map(|(name, engine)| (name.clone(), engine::of(engine))).collect();
        Site {
            engines,
            config,
            broker,
            shutdown,
            leases: Arc::default(),
            joined: watch::Sender::new(0),
            heartbeat: watch::Sender::new(Duration::from_millis(crate::limits::HEARTBEAT_MS_DEFAULT)),
            back: Notify::new(),
            beat_now: Notify::new(),
            draining: watch::Sender::new(false),
            handback: CancellationToken::new(),
            settled: AtomicUsize::new(0),
        }
    }

    /// Stops what is no longer ours.
    pub(crate) fn follow(&self, orders: &Orders) {
        self.leases.lose(&orders.cancel);
    }

    /// One more worker has registered, or never will; with the last one the machine is ready.
    pub(crate) fn settle(&self) {
        self.settled.fetch_add(1, Ordering::AcqRel);
        if self.is_ready() {
            self.beat_now.notify_one();
        }
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.settled.load(Ordering::Acquire) >= self.config.workers.len()
    }

    /// Between two tries of anything that the broker did not take.
    pub(crate) fn backoff() -> Backoff {
        let ms = Duration::from_millis;
        Backoff::new(ms(crate::limits::BACKOFF_BASE_MS), ms(crate::limits::BACKOFF_MS_MAX))
    }

    /// Waits before another try: as long as the backoff says, or until the broker is back, and
    /// then a moment, so that not all come at once.
    pub(crate) async fn wait_out(&self, pause: Duration) {
        tokio::select! {
            () = sleep(pause) => {}
            () = self.back.notified() => sleep(least_pause()).await,
        }
    }

    /// Ends when the broker is back, from this call on and not only from when it is waited for.
    pub(crate) fn back(&self) -> Notified<'_> {
        self.back.notified()
    }

    /// A heartbeat was answered after some that were not.
    pub(crate) fn is_back(&self) {
        self.back.notify_waiters();
    }

    /// The longest time that a service gives its programs to end.
    pub(crate) fn grace_max(&self) -> Duration {
        let grace = |engine: &EngineConfig| match engine {
            EngineConfig::Command(command) => command.grace,
            EngineConfig::Simulated(_) => Duration::ZERO,
        };
        self.config.services.values().map(grace).max().unwrap_or_default()
    }
}
