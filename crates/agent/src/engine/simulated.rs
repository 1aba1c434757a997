//! Work that only takes time: for demos, and for trying a fleet without GPUs.

use super::{Engine, Outcome, Run, Tell};
use crate::config::SimulatedConfig;
use client::roll;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use wire::agent::ProgressBody;
use wire::jobs::JobView;
use wire::{FailureType, Json};

/// Takes `duration` ± 20 % in equal steps, and fails as often as it is told to.
#[derive(Clone, Debug)]
pub struct Simulated(pub SimulatedConfig);

impl Engine for Simulated {
    fn run<'a>(&'a self, _job: &'a JobView, tell: Tell, stop: CancellationToken) -> Run<'a> {
        Box::pin(async move {
            tokio::select! {
                biased;
                () = stop.cancelled() => Outcome::Stopped,
                outcome = self.work(&tell) => outcome,
            }
        })
    }
}

impl Simulated {
    async fn work(&self, tell: &Tell) -> Outcome {
        let SimulatedConfig { steps, duration, failure_rate } = self.0;
        let duration = duration.mul_f64(0.8 + 0.4 * roll());
        // A failing run fails somewhere on its way, as real ones do.
        let fails_after = (roll() < failure_rate).then(|| (roll() * f64::from(steps)) as u32);
        for step in 1..=steps {
            tokio::time::sleep(duration / steps).await;
            if fails_after == Some(step - 1) {
                return Outcome::failed(FailureType::Internal, format!("simulated failure in step {step}/{steps}"));
            }
            tell.progress(ProgressBody {
                progress: f64::from(step) / f64::from(steps),
                message: Some(format!("step {step}/{steps}")),
                current_step: Some(step),
                total_steps: Some(steps),
                estimated_completion: None,
            });
        }
        Outcome::Done(result(steps, duration))
    }
}

fn result(steps: u32, duration: Duration) -> Json {
    let text = format!(r#"{{"simulated":true,"steps":{steps},"duration_ms":{}}}"#, duration.as_millis());
    Json::from(serde_json::value::RawValue::from_string(text).unwrap_or_else(|_| wire_null()))
}

fn wire_null() -> Json {
    serde_json::value::RawValue::NULL.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn engine(failure_rate: f64) -> Simulated {
        Simulated(SimulatedConfig { steps: 10, duration: Duration::from_secs(3), failure_rate })
    }

    #[tokio::test(start_paused = true)]
    async fn it_takes_its_time_and_says_each_step() {
        let (tell, latest) = Tell::new("j");
        let began = tokio::time::Instant::now();
        let outcome = engine(0.0).run(&JobView::default(), tell, CancellationToken::new()).await;
        assert!(matches!(outcome, Outcome::Done(result) if result.get().contains(r#""steps":10"#)));
        let took = began.elapsed().as_millis();
        assert!((2_400..=3_700).contains(&took), "{took}");
        let last = latest.borrow().clone().unwrap();
        assert_eq!((last.progress, last.message.as_deref()), (1.0, Some("step 10/10")));
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_of_one_always_fails() {
        for _ in 0..20 {
            let outcome = engine(1.0).run(&JobView::default(), Tell::new("j").0, CancellationToken::new()).await;
            assert!(matches!(outcome, Outcome::Failed(failed) if failed.retry && failed.error.contains("step")));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_stops_at_once() {
        let (stop, began) = (CancellationToken::new(), tokio::time::Instant::now());
        stop.cancel();
        assert!(matches!(engine(0.0).run(&JobView::default(), Tell::new("j").0, stop).await, Outcome::Stopped));
        assert_eq!(began.elapsed(), Duration::ZERO);
    }
}
