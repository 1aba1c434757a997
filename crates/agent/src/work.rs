//! One job under one lease, from its assignment until its end is told.

use crate::engine::{Outcome, Tell};
use crate::leases::Held;
use crate::limits;
use crate::report::{self, End};
use crate::site::Site;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use wire::FailureType;
use wire::jobs::JobView;

/// Works on the job and tells how it ended. Lost on the way, it is stopped and nothing is told.
pub(crate) async fn work(site: &Site, job: &JobView, attempt: u32, held: Held) {
    let service = &job.service_required;
    tracing::info!(job = job.id, service, attempt, "begins");
    let Some(engine) = site.engines.get(service) else {
        let why = format!("this machine has no service {service:?}");
        tracing::error!(job = job.id, "{why}; hands it back");
        return report::end(site, &held, job, End::HandedBack(why)).await;
    };
    let stop = CancellationToken::new();
    let (tell, latest) = Tell::new(&job.id);
    let outcome = {
        let mut run = pin!(caught(async { engine.run(job, tell, stop.clone()).await }));
        let told = report::progress(site, &held, latest);
        tokio::pin!(told);
        loop {
            tokio::select! {
                biased;
                outcome = &mut run => break outcome,
                () = held.lost.cancelled(), if !stop.is_cancelled() => stop.cancel(),
                () = site.handback.cancelled(), if !stop.is_cancelled() => stop.cancel(),
                () = &mut told => {}
            }
        }
    };
    if held.lost.is_cancelled() {
        tracing::info!(job = job.id, "is no longer ours; stopped, its result is thrown away");
        return;
    }
    let end = match outcome {
        Outcome::Done(result) => End::Completed(result),
        Outcome::Failed(failed) => End::Failed(failed),
        // Who ends a unit or a container tells all of it at once, and the program may be quicker.
        Outcome::ToldToEnd(failed) if !ends_too(site).await => End::Failed(failed),
        Outcome::ToldToEnd(_) | Outcome::Stopped => End::HandedBack("the agent ends".to_owned()),
    };
    report::end(site, &held, job, end).await;
}

/// What a run says. One that panics has failed: a bug in an engine is told like any other failure.
async fn caught(run: impl Future<Output = Outcome>) -> Outcome {
    let mut run = pin!(run);
    let polled = poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| run.as_mut().poll(context))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(outcome)) => Poll::Ready(Ok(outcome)),
        Err(panic) => Poll::Ready(Err(panic)),
    });
    match polled.await {
        Ok(outcome) => outcome,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let why = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given");
            tracing::error!("a bug: the work on a job panicked: {why}");
            Outcome::failed(FailureType::Internal, format!("a bug in the agent: its engine panicked: {why}"))
        }
    }
}

/// Whether the agent is told to end as well, or within [`limits::TOGETHER_MS`].
async fn ends_too(site: &Site) -> bool {
    timeout(Duration::from_millis(limits::TOGETHER_MS), site.shutdown.cancelled()).await.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_failed_run() {
        let run = async {
            tokio::task::yield_now().await;
            panic!("at step {}", 2)
        };
        let Outcome::Failed(failed) = caught(run).await else { panic!() };
        assert_eq!((failed.kind, failed.retry), (FailureType::Internal, true));
        assert!(failed.error.ends_with("panicked: at step 2"), "{}", failed.error);
    }
}
