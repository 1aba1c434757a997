//! `Prefer: wait=N` on a submission: the answer is the ended job, if it ends in time.

use super::Doors;
use super::jobs::{For, not_found, parse_job_id, whole};
use super::problem::Refused;
use crate::desk::NotDecided;
use crate::feed::{Bell, Key};
use axum::Json;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use fleet::{Job, JobId};
use std::time::Duration;
use tokio::time::Instant;
use wire::Malformed;
use wire::jobs::{EndedInTime, Submitted};
use wire::limits::WAIT_MS_MAX;

const APPLIED: (&str, &str) = ("preference-applied", "wait");

/// How long a submission waits for its job's end (RFC 7240).
///
/// # Errors
/// No number of seconds that anyone waits.
pub(super) fn asked_for(headers: &HeaderMap) -> Result<Option<Duration>, Malformed> {
    let given = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    let preferences = given.flat_map(|value| value.split([',', ';'])).filter_map(|one| one.split_once('='));
    let wait = preferences.map(|(name, value)| (name.trim(), value.trim().trim_matches('"')));
    let Some((_, wait)) = wait.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("wait")) else { return Ok(None) };
    let max = WAIT_MS_MAX / 1_000;
    match wait.parse::<u64>() {
        Ok(seconds) if seconds <= max => Ok(Some(Duration::from_secs(seconds))),
        _ => Err(Malformed::field("Prefer", format!("wait is {wait:?}; it must be from 0 to {max} seconds"))),
    }
}

/// The answer to a submission that stands: the ended job, or how far it is. Whoever hangs up
/// meanwhile has submitted all the same.
pub(super) async fn for_end(doors: &Doors, wait: Option<Duration>, submitted: Submitted) -> Result<Response, Refused> {
    let Some(wait) = wait else { return Ok(answer(submitted)) };
    let id = parse_job_id(&submitted.job_id)?;
    let job = until_ended(doors, &id, wait).await?;
    let location = [(header::LOCATION, submitted.urls.itself.clone())];
    if job.finished_at().is_none() {
        let submitted = Submitted { status: job.status().into(), ..submitted };
        return Ok((StatusCode::ACCEPTED, location, [APPLIED], Json(submitted)).into_response());
    }
    let now = doors.desk.now();
    let Submitted { success, job_id, duplicate, ignored, event_id, .. } = submitted;
    let job = whole(doors, &job, now, For::Reader).await.map_err(NotDecided::from)?;
    let ended = EndedInTime { success, job_id, job, duplicate, ignored, event_id, timestamp: wire::rfc3339(now) };
    Ok((StatusCode::OK, location, [APPLIED], Json(ended)).into_response())
}

/// The answer at once.
pub(super) fn answer(submitted: Submitted) -> Response {
    let code = if submitted.duplicate { StatusCode::OK } else { StatusCode::CREATED };
    (code, [(header::LOCATION, submitted.urls.itself.clone())], Json(submitted)).into_response()
}

/// The job when it has ended, or as it is when the time is over or the broker shuts down.
async fn until_ended(doors: &Doors, id: &JobId, wait: Duration) -> Result<Job, Refused> {
    let until = Instant::now() + wait;
    let bell = Bell::hang(&doors.desk.feed, Key::Job(id.clone()));
    loop {
        let rung = bell.notify.notified();
        tokio::pin!(rung);
        rung.as_mut().enable();
        let job = doors.desk.job(id).await.map_err(NotDecided::from)?.ok_or_else(|| not_found(id.clone()))?;
        if job.finished_at().is_some() || Instant::now() >= until || doors.closing.is_cancelled() {
            return Ok(job);
        }
        tokio::select! {
            () = rung => {}
            () = tokio::time::sleep_until(until) => {}
            () = doors.closing.cancelled() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(values: &[&'static str]) -> Result<Option<u64>, Malformed> {
        let prefer = |value: &&'static str| ("prefer".parse().unwrap(), value.parse().unwrap());
        asked_for(&values.iter().map(prefer).collect()).map(|wait| wait.map(|wait| wait.as_secs()))
    }

    #[test]
    fn the_preference_is_found_among_others_and_has_a_limit() {
        assert_eq!(asked(&[]), Ok(None));
        assert_eq!(asked(&["handling=strict"]), Ok(None));
        assert_eq!(asked(&["handling=strict, Wait = 5"]), Ok(Some(5)));
        assert_eq!(asked(&["respond-async", "wait=\"60\"; a=b"]), Ok(Some(60)));
        for wrong in ["wait=61", "wait=-1", "wait=1.5", "wait=", "wait=soon"] {
            assert!(asked(&[wrong]).is_err(), "{wrong}");
        }
    }
}
