//! Telling the broker about a job. The end of a job is told until it is heard.

use crate::engine::{Failed, cut};
use crate::leases::Held;
use crate::limits;
use crate::machine::least_pause;
use crate::outage::Outage;
use crate::site::Site;
use client::{Client, ClientError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::sleep;
use wire::agent::{FailBody, FailureBody, ProgressBody};
use wire::jobs::JobView;
use wire::{FailureType, Json};

/// Sends the latest progress, at most ten times a second. What the broker does not take is not
/// repeated: the next one says more. Never ends, so that it can run beside the work.
pub(crate) async fn progress(site: &Site, held: &Held, mut latest: watch::Receiver<Option<ProgressBody>>) {
    let mut backoff = Site::backoff();
    while latest.changed().await.is_ok() {
        let Some(body) = latest.borrow_and_update().clone() else { continue };
        let mut pause = Duration::from_millis(limits::PROGRESS_PAUSE_MS);
        match site.broker.progress(&held.id, &body).await {
            Ok(done) => {
                backoff.reset();
                if let Some(orders) = &done.orders {
                    site.follow(orders);
                }
            }
            Err(error) if error.code() == Some("lease_lost") => {
                held.lost.cancel();
                break;
            }
            Err(error) => {
                tracing::debug!("progress was not taken: {error}");
                pause = pause.max(backoff.pause_after(&error));
            }
        }
        sleep(pause).await;
    }
    std::future::pending::<()>().await;
}

/// How a run ended, as the broker is told.
pub(crate) enum End {
    Completed(Json),
    Failed(Failed),
    /// Back to the queue, unharmed; why.
    HandedBack(String),
}

/// How a report begins that is told instead of one that the broker refuses.
const REFUSED: &str = "the broker refused the report: ";

enum Heard {
    Yes,
    /// The broker understood it and says no.
    Refused(ClientError),
    /// The lease is lost, or nobody heard in time; both are logged.
    No,
}

/// Tells how the run ended until it is heard. A result that the broker cannot take is a failed
/// run.
pub(crate) async fn end(site: &Site, held: &Held, job: &JobView, end: End) {
    let end = match end {
        End::Completed(result) => match wire::compact(&result, "result", wire::limits::RESULT_BYTES_MAX) {
            Ok(_) => End::Completed(result),
            Err(error) => bad_output(error.to_string()),
        },
        other => other,
    };
    let mut next = Some(end);
    while let Some(end) = next {
        let Heard::Refused(error) = until_heard(site, held, job, &end).await else { return };
        tracing::error!(job = job.id, "the broker refuses to hear how it ended: {error}");
        next = end.instead(&error);
    }
    tracing::error!(job = job.id, "its lease is given up and will run out");
}

fn bad_output(error: String) -> End {
    End::Failed(Failed { error, kind: FailureType::BadOutput, reason: None, retry: true })
}

impl End {
    /// What is told instead of what the broker refuses: less and less.
    fn instead(&self, error: &ClientError) -> Option<End> {
        match self {
            End::HandedBack(_) => None,
            End::Failed(failed) if failed.error.starts_with(REFUSED) => Some(End::HandedBack(failed.error.clone())),
            End::Completed(_) | End::Failed(_) => {
                let detail = error.to_string();
                Some(bad_output(format!("{REFUSED}{}", cut(&detail, limits::REFUSAL_BYTES_MAX))))
            }
        }
    }

    async fn tell(&self, broker: &Client, held: &Held, job: &JobView) -> Result<(), ClientError> {
        match self {
            End::Completed(result) => {
                broker.finish(&held.id, result.clone(), false).await?;
                tracing::info!(job = job.id, "completed");
            }
            End::Failed(Failed { error, kind, reason, retry }) => {
                // The broker cuts them as well, but not what is larger than a body may be.
                let short = |text: &String| cut(text, wire::limits::ERROR_BYTES_MAX).to_owned();
                let (error, reason) = (short(error), reason.as_ref().map(short));
                let failure = Some(FailureBody { kind: *kind, reason });
                let body = FailBody { error: error.clone(), failure, retry: *retry, retry_after_ms: None };
                let answer = broker.fail(&held.id, &body).await?;
                tracing::info!(job = job.id, ?kind, will_retry = answer.will_retry, "failed: {error}");
            }
            End::HandedBack(why) => {
                broker.release(&held.id, Some(why.clone())).await?;
                tracing::info!(job = job.id, "handed back: {why}");
            }
        }
        Ok(())
    }
}

/// Repeats for [`limits::REPORT_MS_MAX`], and when the agent hands back, for
/// [`limits::FAREWELL_MS_MAX`] more.
async fn until_heard(site: &Site, held: &Held, job: &JobView, end: &End) -> Heard {
    let farewell = async {
        site.handback.cancelled().await;
        sleep(Duration::from_millis(limits::FAREWELL_MS_MAX)).await;
    };
    tokio::select! {
        heard = repeat(site, held, job, end) => heard,
        () = farewell => {
            tracing::error!(job = job.id, "how it ended could not be told before the agent ended; it will run again");
            Heard::No
        }
        () = sleep(Duration::from_millis(limits::REPORT_MS_MAX)) => {
            tracing::error!(job = job.id, "how it ended could not be told for a day and is forgotten");
            Heard::No
        }
    }
}

async fn repeat(site: &Site, held: &Held, job: &JobView, end: &End) -> Heard {
    let (mut backoff, mut outage) = (Site::backoff(), Outage::of(format!("tell how job {} ended", job.id)));
    loop {
        let told = end.tell(&site.broker, held, job).await;
        // It may have been heard although its answer got lost.
        let is_over = told.as_ref().err().is_none_or(|error| error.code() == Some("lease_lost"));
        if let (End::Failed(Failed { kind: FailureType::ServiceDown, .. }), Some(worker), true) =
            (end, &job.worker_id, is_over)
        {
            site.rest(worker, &job.service_required);
        }
        let error = match told {
            Ok(()) => {
                held.is_told();
                outage.went_well();
                return Heard::Yes;
            }
            Err(error) => error,
        };
        if error.code() == Some("lease_lost") {
            held.lost.cancel();
            tracing::info!(job = job.id, "is no longer ours; how it ended is thrown away");
            return Heard::No;
        }
        if matches!(error, ClientError::Problem { .. }) && !error.is_weather() {
            return Heard::Refused(error);
        }
        // Also what is no broker at all: something else may stand in its place for a while.
        outage.failed(&error);
        site.wait_out(backoff.pause_after(&error).max(least_pause())).await;
    }
}
