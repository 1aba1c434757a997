//! `?after=<event_id>` on any `GET`: read your writes. What is read is not older than that event.

use super::guard::with_query;
use super::problem::Refused;
use crate::desk::Desk;
use crate::feed::Resume;
use crate::limits;
use axum::extract::Request;
use axum::http::Method;
use wire::EventId;

/// Waits for it, and takes it out of the query.
pub(super) async fn wait(desk: &Desk, request: &mut Request) -> Result<(), Refused> {
    if request.method() != Method::GET {
        return Ok(());
    }
    let Some((after, rest)) = request.uri().query().and_then(taken_out) else { return Ok(()) };
    passed(desk, &after).await?;
    let unread = || Refused::new(400, "bad_field", "the query could not be read");
    *request.uri_mut() = with_query(request.uri(), &rest).ok_or_else(unread)?;
    Ok(())
}

/// The position asked for, and the query without it.
fn taken_out(query: &str) -> Option<(String, String)> {
    let is_after = |pair: &&str| pair.split_once('=').is_some_and(|(name, _)| name == "after");
    let after = query.split('&').find(is_after)?.split_once('=')?.1.to_owned();
    let rest: Vec<_> = query.split('&').filter(|pair| !is_after(pair)).collect();
    Some((after, rest.join("&")))
}

/// Waits until the view has passed the event.
async fn passed(desk: &Desk, after: &str) -> Result<(), Refused> {
    let Ok(id) = after.parse::<EventId>() else { return Err(Refused::new(400, "bad_field", "after: is no event id")) };
    let why = format!("this node has not seen the event within {} s; ask again", limits::AFTER_WAIT.as_secs());
    let late = Refused::new(503, "store_unavailable", why).retry_after(1);
    if tokio::time::timeout(limits::AFTER_WAIT, desk.feed.view_reaches(id.seq)).await.is_err() {
        return Err(late);
    }
    match desk.feed.resume(&desk.store, after).await {
        Resume::Diverged => {
            Err(Refused::new(400, "bad_field", "after: is an event of another history (was a backup restored?)"))
        }
        Resume::Ahead => Err(late),
        // What is so old that it cannot be checked any more was passed long ago.
        Resume::From(_) | Resume::Expired | Resume::Away | Resume::Malformed => Ok(()),
    }
}
