//! A worker: it begins a session and asks for the next job as long as a slot is free.

use crate::config::WorkerConfig;
use crate::machine::least_pause;
use crate::outage::Outage;
use crate::site::Site;
use crate::{AgentError, limits, work};
use client::{Backoff, ClientError};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use wire::agent::{Assignment, JoinWorkerBody};

struct Worker {
    site: Arc<Site>,
    index: usize,
    slots: Arc<Semaphore>,
    jobs: JoinSet<()>,
    /// Whether a registration was done is not known: it may come late and end our own session.
    may_echo: bool,
    backoff: Backoff,
    outage: Outage,
    joined: watch::Receiver<u64>,
    is_settled: bool,
}

/// Why no more jobs are asked for in this session.
enum Over {
    Shutdown,
    /// The broker does not know the worker, or has forgotten its machine.
    Forgotten,
    Replaced,
}

/// Works until the agent is told to end and what runs has ended.
///
/// # Errors
/// The broker refuses the worker, or another copy of it took over.
pub(crate) async fn live(site: Arc<Site>, index: usize) -> Result<(), AgentError> {
    let (id, slots) = (site.config.workers[index].id.clone(), site.config.workers[index].slots);
    let mut worker = Worker {
        joined: site.joined.subscribe(),
        index,
        slots: Arc::new(Semaphore::new(slots as usize)),
        jobs: JoinSet::new(),
        may_echo: false,
        backoff: Site::backoff(),
        outage: Outage::of(format!("ask for work as {id}")),
        is_settled: false,
        site,
    };
    let session = worker.serve().await;
    worker.settle();
    if session.is_err() {
        worker.site.leases.lose_all_of(index);
    }
    // After a shutdown: bounded by the drain of `run`.
    while let Some(ended) = worker.jobs.join_next().await {
        log_panic(ended);
    }
    match session? {
        Some(session) => worker.leave(&session).await,
        None => Ok(()),
    }
}

impl Worker {
    fn config(&self) -> &WorkerConfig {
        &self.site.config.workers[self.index]
    }

    /// Session after session until the agent is told to end; gives the last one.
    async fn serve(&mut self) -> Result<Option<String>, AgentError> {
        loop {
            let Some(session) = self.register().await? else { return Ok(None) };
            self.settle();
            let began = Instant::now();
            match self.take_jobs(&session).await {
                Over::Shutdown => return Ok(Some(session)),
                Over::Forgotten => {
                    tracing::info!(worker = self.config().id, "the broker forgot it; registers again");
                    // So that a broker that forgets each time is not asked in a tight loop.
                    sleep(least_pause()).await;
                }
                Over::Replaced => self.replaced(began.elapsed())?,
            }
        }
    }

    fn settle(&mut self) {
        if !std::mem::replace(&mut self.is_settled, true) {
            self.site.settle();
        }
    }

    /// Begins a session that keeps the leases held here. `None`: the agent was told to end.
    async fn register(&mut self) -> Result<Option<String>, AgentError> {
        let site = Arc::clone(&self.site);
        let config = &site.config.workers[self.index];
        loop {
            self.joined.mark_unchanged();
            let body = JoinWorkerBody {
                machine_id: site.config.machine.clone(),
                services: config.services.clone(),
                slots: config.slots,
                resume: site.leases.of(self.index),
                capabilities: config.capabilities.clone(),
            };
            let answer = tokio::select! {
                () = site.shutdown.cancelled() => return Ok(None),
                answer = site.broker.join_worker(&config.id, &body) => answer,
            };
            let error = match answer {
                Ok(joined) => {
                    self.went_well();
                    tracing::info!(worker = config.id, services = ?config.services, "registered");
                    site.leases.last(joined.lease_ms);
                    site.follow(&joined.orders);
                    return Ok(Some(joined.session));
                }
                Err(error) => error,
            };
            // Also a broker that is busy may do it later.
            self.may_echo |= error.is_weather() || matches!(error, ClientError::Garbled { .. });
            let is_unknown = error.code() == Some("unknown_machine");
            if is_unknown {
                site.beat_now.notify_one();
            } else if matches!(error, ClientError::Problem { .. }) && !error.is_weather() && !self.is_settled {
                return Err(AgentError::Refused { what: format!("worker {}", config.id), error });
            }
            if !self.wait_out(&error).await {
                return Ok(None);
            }
        }
    }

    async fn take_jobs(&mut self, session: &str) -> Over {
        let site = Arc::clone(&self.site);
        let mut draining = site.draining.subscribe();
        loop {
            while let Some(ended) = self.jobs.try_join_next() {
                log_panic(ended);
            }
            let slot = tokio::select! {
                biased;
                () = site.shutdown.cancelled() => return Over::Shutdown,
                _ = self.joined.changed() => return Over::Forgotten,
                slot = free_slot(&self.slots, &mut draining) => slot,
            };
            let Some(slot) = slot else { return Over::Shutdown };
            let asked = Instant::now();
            let (id, have) = (&site.config.workers[self.index].id, site.leases.known_of(self.index));
            let back = site.back();
            let call = site.broker.next(id, session, have, limits::WAIT_MS, true);
            tokio::pin!(call);
            let answer = tokio::select! {
                biased;
                () = site.shutdown.cancelled() => {
                    // A job may be on its way to us already.
                    if let Ok(Ok(Some(last))) = timeout(Duration::from_millis(limits::LINGER_MS), call).await {
                        self.begin(last, slot);
                    }
                    return Over::Shutdown;
                }
                _ = self.joined.changed() => return Over::Forgotten,
                answer = &mut call => answer,
                // The call may hang on a connection that is gone. Its answer is given again.
                () = back => continue,
            };
            let began = match answer {
                Ok(assignment) => {
                    self.may_echo = false;
                    self.went_well();
                    assignment.is_some_and(|assignment| self.begin(assignment, slot))
                }
                Err(error) => match error.code() {
                    Some("session_replaced") => return Over::Replaced,
                    Some("unknown_worker") => return Over::Forgotten,
                    Some("unknown_machine") => {
                        site.beat_now.notify_one();
                        self.wait_out(&error).await;
                        return Over::Forgotten;
                    }
                    _ => {
                        self.wait_out(&error).await;
                        true
                    }
                },
            };
            if !began && asked.elapsed() < Duration::from_millis(limits::EMPTY_PAUSE_MS) {
                // A broker that does not wait is not asked in a tight loop.
                sleep(Duration::from_millis(limits::EMPTY_PAUSE_MS)).await;
            }
        }
    }

    /// Begins to work on a job, unless it is one that is being worked on.
    fn begin(&mut self, assignment: Assignment, slot: OwnedSemaphorePermit) -> bool {
        self.site.follow(&assignment.orders);
        let Some(held) = self.site.leases.hold(&assignment.lease.lease_id, self.index) else { return false };
        let site = Arc::clone(&self.site);
        self.jobs.spawn(async move {
            work::work(&site, &assignment.job, assignment.lease.attempt, held).await;
            // Only now: the lease is let go before its slot is.
            drop(slot);
        });
        true
    }

    /// Somebody else has begun a session of this worker: the newer one wins at once, so that the
    /// two do not take each other's jobs away. Only a registration of our own that reached the
    /// broker late is no takeover; the leases are resumed by the next one.
    fn replaced(&mut self, session_lasted: Duration) -> Result<(), AgentError> {
        let worker = self.config().id.clone();
        let is_echo = session_lasted < Duration::from_millis(limits::ECHO_MS_MAX);
        if std::mem::take(&mut self.may_echo) && is_echo {
            tracing::info!(worker, "an unanswered registration ended its session; registers again");
            return Ok(());
        }
        Err(AgentError::Replaced { worker })
    }

    fn went_well(&mut self) {
        self.outage.went_well();
        self.backoff.reset();
    }

    /// Waits before the next try. `false`: the agent was told to end.
    async fn wait_out(&mut self, error: &ClientError) -> bool {
        self.outage.failed(error);
        let pause = self.backoff.pause_after(error).max(least_pause());
        tokio::select! {
            () = self.site.wait_out(pause) => true,
            () = self.site.shutdown.cancelled() => false,
        }
    }

    /// Says goodbye. An error: it was taken over before the agent was told to end, so its machine
    /// is somebody else's by now.
    async fn leave(&self, session: &str) -> Result<(), AgentError> {
        let farewell = Duration::from_millis(limits::FAREWELL_MS_MAX);
        let id = &self.config().id;
        match timeout(farewell, self.site.broker.leave_worker(id, session)).await {
            Ok(Ok(())) => tracing::debug!(worker = id, "left"),
            Ok(Err(error)) if error.code() == Some("session_replaced") => {
                return Err(AgentError::Replaced { worker: id.clone() });
            }
            Ok(Err(error)) => tracing::debug!(worker = id, "cannot leave: {error}"),
            Err(_) => tracing::debug!(worker = id, "cannot leave: no answer"),
        }
        Ok(())
    }
}

/// Waits until work may be taken and there is a slot for it. `None` never happens: the slots are
/// never closed.
async fn free_slot(slots: &Arc<Semaphore>, draining: &mut watch::Receiver<bool>) -> Option<OwnedSemaphorePermit> {
    let slot = Arc::clone(slots).acquire_owned().await.ok()?;
    draining.wait_for(|draining| !draining).await.ok()?;
    Some(slot)
}

/// A panic loses its job's lease, which is given up, and nothing else.
fn log_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!("a bug: the work on a job panicked ({error}); its lease will run out");
    }
}
