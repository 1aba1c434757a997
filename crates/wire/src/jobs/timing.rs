//! When a job may run and how long: the fields of a submission, and the same shown again.

use crate::json::Object;
use crate::{Fields, Malformed, parse_rfc3339, rfc3339};
use fleet::limits as rules;
use fleet::{Backoff, Number, Timestamp, Timing};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Takes the fields of a job's timing. `run_for_ms` is what its requirements say of it.
///
/// # Errors
/// Names the first field that is wrong.
pub(super) fn take(fields: &mut Fields, run_for_ms: Option<u64>) -> Result<Option<Box<Timing>>, Malformed> {
    let said = take_ms(fields, "run_for_ms")?;
    if let (Some(said), Some(required)) = (said, run_for_ms)
        && said != required
    {
        let why = format!("is {said}, but requirements.timeout_minutes is {required} ms; they mean the same");
        return Err(Malformed::field("run_for_ms", why));
    }
    let timing = Timing {
        not_before: take_time(fields, "not_before")?,
        start_by: take_time(fields, "start_by")?,
        finish_by: take_time(fields, "finish_by")?,
        run_for_ms: said.or(run_for_ms),
        no_progress_ms: take_ms(fields, "no_progress_ms")?,
        fail_if_unmatched_ms: take_ms(fields, "fail_if_unmatched_ms")?,
        backoff: take_backoff(fields)?,
    };
    for (name, time) in [("start_by", timing.start_by), ("finish_by", timing.finish_by)] {
        if let (Some(time), Some(not_before)) = (time, timing.not_before)
            && time <= not_before
        {
            let why = format!("is {}, which is not after not_before ({})", rfc3339(time), rfc3339(not_before));
            return Err(Malformed::field(name, why));
        }
    }
    Ok((timing != Timing::default()).then(|| Box::new(timing)))
}

/// RFC 3339, or Unix milliseconds.
fn take_time(fields: &mut Fields, name: &str) -> Result<Option<Timestamp>, Malformed> {
    let Some(raw) = fields.take_raw(name) else { return Ok(None) };
    let time = match serde_json::from_str::<String>(raw.get()) {
        Ok(text) => parse_rfc3339(&text),
        Err(_) => serde_json::from_str(raw.get()).ok().map(Timestamp),
    };
    // What no calendar holds could not be shown again.
    let time = time.filter(|time| parse_rfc3339(&rfc3339(*time)) == Some(*time));
    let shown = crate::words::cut(raw.get().to_owned(), 64);
    let why = || format!("is {shown}; it must be a time like 2026-11-21T22:44:16.746Z, or Unix milliseconds");
    time.map(Some).ok_or_else(|| Malformed::field(name, why()))
}

fn take_ms(fields: &mut Fields, name: &str) -> Result<Option<u64>, Malformed> {
    fields.take::<u64>(name)?.map(|ms| check_ms(name, 1, ms)).transpose()
}

fn check_ms(name: &str, min: u64, ms: u64) -> Result<u64, Malformed> {
    match (min..=rules::TIMING_MS_MAX).contains(&ms) {
        true => Ok(ms),
        false => {
            let why = format!("is {ms}; it must be from {min} to {} milliseconds", rules::TIMING_MS_MAX);
            Err(Malformed::field(name, why))
        }
    }
}

/// `backoff` as it is said: what is left out is as it is for a job that says nothing.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BackoffBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub factor: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_ms: Option<u64>,
}

fn take_backoff(fields: &mut Fields) -> Result<Backoff, Malformed> {
    let said = fields.take::<Object<BackoffBody>>("backoff")?.map_or_else(BackoffBody::default, |Object(said)| said);
    let usual = Backoff::default();
    let base_ms = check_ms("backoff.base_ms", 0, said.base_ms.unwrap_or(usual.base_ms))?;
    let max_ms = match said.max_ms {
        Some(max_ms) => check_ms("backoff.max_ms", 0, max_ms)?,
        None => usual.max_ms.max(base_ms),
    };
    let factor = said.factor.unwrap_or(usual.factor.get());
    let factor_max = f64::from(rules::BACKOFF_FACTOR_MAX);
    let factor = Number::new(factor).filter(|_| (1.0..=factor_max).contains(&factor));
    let why = || format!("must be from 1 to {factor_max}");
    let factor = factor.ok_or_else(|| Malformed::field("backoff.factor", why()))?;
    Ok(Backoff { base_ms, factor, max_ms })
}

/// A job's timing as it is shown and kept: only what it states.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct TimingView {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finish_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_for_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_progress_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fail_if_unmatched_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backoff: Option<BackoffBody>,
}

impl TimingView {
    pub(crate) fn of(timing: &Timing) -> TimingView {
        let Backoff { base_ms, factor, max_ms } = timing.backoff;
        let backoff = BackoffBody { base_ms: Some(base_ms), factor: Some(factor.get()), max_ms: Some(max_ms) };
        TimingView {
            not_before: timing.not_before.map(rfc3339),
            start_by: timing.start_by.map(rfc3339),
            finish_by: timing.finish_by.map(rfc3339),
            run_for_ms: timing.run_for_ms,
            no_progress_ms: timing.no_progress_ms,
            fail_if_unmatched_ms: timing.fail_if_unmatched_ms,
            backoff: (timing.backoff != Backoff::default()).then_some(backoff),
        }
    }

    /// The timing that was shown so.
    pub(crate) fn read(&self) -> Result<Timing, String> {
        let time = |text: &Option<String>| match text {
            Some(text) => parse_rfc3339(text).map(Some).ok_or_else(|| format!("{text:?} is no time")),
            None => Ok(None),
        };
        let backoff = self.backoff.map_or(Ok(Backoff::default()), |body| {
            let usual = Backoff::default();
            let factor = body.factor.map_or(Some(usual.factor), Number::new).ok_or("a factor is no number")?;
            let (base_ms, max_ms) = (body.base_ms.unwrap_or(usual.base_ms), body.max_ms.unwrap_or(usual.max_ms));
            Ok::<_, String>(Backoff { base_ms, factor, max_ms })
        })?;
        Ok(Timing {
            not_before: time(&self.not_before)?,
            start_by: time(&self.start_by)?,
            finish_by: time(&self.finish_by)?,
            run_for_ms: self.run_for_ms,
            no_progress_ms: self.no_progress_ms,
            fail_if_unmatched_ms: self.fail_if_unmatched_ms,
            backoff,
        })
    }
}
