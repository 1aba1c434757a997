//! The machine: it joins, beats for all that runs on it, and hears what to stop.

use crate::outage::Outage;
use crate::site::Site;
use crate::{AgentError, host, limits};
use client::{ClientError, roll};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};
use wire::agent::{HeartbeatBody, JoinMachineBody, ServiceWord, WorkerSays};
use wire::{DeclaredWord, PhaseWord};

/// Joins, waiting for the broker if need be. `false`: the agent was told to end before.
///
/// # Errors
/// `is_first` and the broker refuses the machine. Later a refusal is waited out like weather,
/// since jobs may be running.
pub(crate) async fn join(site: &Site, is_first: bool) -> Result<bool, AgentError> {
    let machine = &site.config.machine;
    let gpus = site.config.workers.iter().map(|worker| worker.capabilities.hardware.gpu_count).sum();
    let host_info = host::info(gpus);
    let labels = site.config.labels.clone();
    let body = JoinMachineBody { hostname: host_info.hostname.clone(), labels, host_info };
    let (mut backoff, mut outage) = (Site::backoff(), Outage::of(format!("join as machine {machine}")));
    loop {
        let answer = tokio::select! {
            answer = site.broker.join_machine(machine, &body) => answer,
            () = site.shutdown.cancelled(), if is_first => return Ok(false),
        };
        match answer {
            Ok(joined) => {
                outage.went_well();
                tracing::info!(%machine, broker = site.broker.url(), "joined");
                let ms = joined.heartbeat_ms.clamp(limits::HEARTBEAT_MS_MIN, limits::HEARTBEAT_MS_MAX);
                site.heartbeat.send_replace(Duration::from_millis(ms));
                site.follow(&joined.orders);
                site.draining.send_replace(joined.orders.drain);
                site.joined.send_modify(|times| *times += 1);
                return Ok(true);
            }
            Err(error @ ClientError::Problem { .. }) if is_first && !error.is_weather() => {
                return Err(AgentError::Refused { what: format!("machine {machine}"), error });
            }
            Err(error) => {
                outage.failed(&error);
                let pause = backoff.pause_after(&error);
                tokio::select! {
                    () = sleep(pause) => {}
                    () = site.shutdown.cancelled(), if is_first => return Ok(false),
                }
            }
        }
    }
}

/// Beats until it is aborted.
pub(crate) async fn beat(site: Arc<Site>) {
    let (mut outage, mut was_draining) = (Outage::of("beat"), false);
    let mut heartbeat = site.heartbeat.subscribe();
    loop {
        let interval = *heartbeat.borrow_and_update();
        let began = Instant::now();
        let rested = site.rested();
        let body = heartbeat_body(&site, &mut was_draining, &rested);
        let least = Duration::from_millis(limits::HEARTBEAT_PATIENCE_MS_MIN);
        let patience = (interval * limits::HEARTBEAT_PATIENCE).max(least);
        match timeout(patience, site.broker.heartbeat(&site.config.machine, &body)).await {
            Ok(Ok(orders)) => {
                if outage.went_well() {
                    site.is_back();
                }
                site.are_up(&rested);
                site.follow_machine(&orders);
            }
            Ok(Err(error)) if error.code() == Some("unknown_machine") => {
                tracing::info!("the broker does not know this machine any more; joins again");
                // Not first, so it never gives up; the beats go on afterwards.
                let _ = join(&site, false).await;
            }
            Ok(Err(error)) => outage.failed(&error),
            Err(_) => {
                let why = format!("no answer within {} ms", patience.as_millis());
                outage.failed(&ClientError::Unreachable { why, retry_after: None });
            }
        }
        tokio::select! {
            () = sleep(interval.saturating_sub(began.elapsed())) => {}
            // Asked for by many at once it is still one beat, and not in a tight loop.
            () = async { sleep(Duration::from_millis(limits::HEARTBEAT_MS_MIN)).await; site.beat_now.notified().await } => {}
        }
    }
}

fn heartbeat_body(site: &Site, was_draining: &mut bool, rested: &[(String, String)]) -> HeartbeatBody {
    let draining = site.shutdown.is_cancelled() || *site.draining.borrow();
    *was_draining |= draining;
    let status = if draining { DeclaredWord::Draining } else { DeclaredWord::Ready };
    let mut workers: BTreeMap<String, WorkerSays> = BTreeMap::new();
    for worker in site.config.workers.iter().filter(|_| *was_draining && site.is_ready()) {
        workers.entry(worker.id.clone()).or_default().status = Some(status);
    }
    for (worker, service) in rested {
        workers.entry(worker.clone()).or_default().services.insert(service.clone(), ServiceWord::Active);
    }
    HeartbeatBody {
        // Until then nothing is said: a machine that joined again was ready before.
        phase: site.is_ready().then_some(PhaseWord::Ready),
        workers,
        leases: site.leases.all(),
    }
}

/// Stands waiting for orders until it is aborted, so that a cancelled job stops at once and not
/// with the next heartbeat.
pub(crate) async fn follow_orders(site: Arc<Site>) {
    let (mut backoff, mut outage) = (Site::backoff(), Outage::of("hear orders"));
    loop {
        let (began, back) = (Instant::now(), site.back());
        let answer = tokio::select! {
            answer = site.broker.take_orders(&site.config.machine, limits::WAIT_MS) => answer,
            // The call may hang on a connection that is gone.
            () = back => continue,
        };
        match answer {
            Ok(orders) => {
                outage.went_well();
                backoff.reset();
                if site.follow_machine(&orders) {
                    site.beat_now.notify_one();
                }
                // A broker that answers at once is not asked in a tight loop.
                if began.elapsed() < Duration::from_millis(limits::EMPTY_PAUSE_MS) {
                    sleep(Duration::from_millis(limits::EMPTY_PAUSE_MS)).await;
                }
            }
            Err(error) => {
                if error.code() == Some("unknown_machine") {
                    site.beat_now.notify_one();
                } else {
                    outage.failed(&error);
                }
                site.wait_out(backoff.pause_after(&error).max(least_pause())).await;
            }
        }
    }
}

/// A pause that is not zero, whatever the dice say.
pub(crate) fn least_pause() -> Duration {
    Duration::from_millis(limits::BACKOFF_BASE_MS).mul_f64(0.5 + roll() / 2.0)
}

/// Says goodbye, for at most [`limits::FAREWELL_MS_MAX`]; unheard, the broker notices by itself.
pub(crate) async fn leave(site: &Site) {
    let farewell = Duration::from_millis(limits::FAREWELL_MS_MAX);
    match timeout(farewell, site.broker.leave_machine(&site.config.machine)).await {
        Ok(Ok(())) => tracing::info!(machine = site.config.machine, "left"),
        Ok(Err(error)) => tracing::warn!("cannot leave: {error}"),
        Err(_) => tracing::warn!("cannot leave: no answer within {} ms", farewell.as_millis()),
    }
}
