//! What the tasks of one agent share.

use crate::config::{Config, EngineConfig};
use crate::engine::{self, Engine};
use crate::leases::Leases;
use crate::limits;
use crate::machine::least_pause;
use client::{Backoff, Client};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep};
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
    /// Services that failed as down, by worker, and until when they rest.
    resting: Mutex<BTreeMap<(String, String), Instant>>,
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
            heartbeat: watch::Sender::new(Duration::from_millis(limits::HEARTBEAT_MS_DEFAULT)),
            back: Notify::new(),
            beat_now: Notify::new(),
            draining: watch::Sender::new(false),
            handback: CancellationToken::new(),
            settled: AtomicUsize::new(0),
            resting: Mutex::default(),
        }
    }

    /// A service failed as down, and the broker gives that worker nothing of it until it is told
    /// that it is up. Nobody here looks at its health, so after a rest it is tried again.
    pub(crate) fn rest(&self, worker: &str, service: &str) {
        let until = Instant::now() + Duration::from_millis(limits::SERVICE_REST_MS);
        self.resting().insert((worker.to_owned(), service.to_owned()), until);
    }

    /// The services that have rested, by worker.
    pub(crate) fn rested(&self) -> Vec<(String, String)> {
        let now = Instant::now();
        self.resting().iter().filter(|(_, until)| **until <= now).map(|(who, _)| who.clone()).collect()
    }

    /// The broker has heard that these are up again.
    pub(crate) fn are_up(&self, services: &[(String, String)]) {
        let now = Instant::now();
        self.resting().retain(|who, until| *until > now || !services.contains(who));
    }

    fn resting(&self) -> MutexGuard<'_, BTreeMap<(String, String), Instant>> {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops what is no longer ours.
    pub(crate) fn follow(&self, orders: &Orders) {
        self.leases.lose(&orders.cancel);
    }

    /// The same for orders to the whole machine; says whether they begin or end a drain.
    pub(crate) fn follow_machine(&self, orders: &Orders) -> bool {
        self.follow(orders);
        self.draining.send_if_modified(|draining| std::mem::replace(draining, orders.drain) != orders.drain)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_service_that_was_down_is_tried_again_after_a_rest() {
        let config =
            Config::parse("[machine]\nid = \"m\"\n[services.nap]\nengine = \"simulated\"\n", "agent.toml").unwrap();
        let site = Site::new(config, Client::new("http://127.0.0.1:1").unwrap(), CancellationToken::new());
        site.rest("m-0", "nap");
        assert_eq!(site.rested(), []);
        tokio::time::advance(Duration::from_millis(limits::SERVICE_REST_MS)).await;
        let rested = site.rested();
        assert_eq!(rested, [("m-0".to_owned(), "nap".to_owned())]);
        // It fails again before the broker has heard of the rest.
        site.rest("m-0", "nap");
        site.are_up(&rested);
        tokio::time::advance(Duration::from_millis(limits::SERVICE_REST_MS)).await;
        site.are_up(&site.rested());
        assert_eq!(site.rested(), []);
    }
}
