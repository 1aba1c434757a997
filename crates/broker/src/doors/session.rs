//! Signing in and out, and tickets for who cannot send headers.

use super::Doors;
use super::body::Body;
use super::guard::{SESSION, cookie};
use super::problem::Refused;
use crate::access::{Caller, Peer, Secret, Shown};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, header};
use axum::response::{IntoResponse, Response};
use std::time::Duration;
use tokio::time::Instant;
use wire::access::{SignInBody, SignedIn, SignedOut, TicketIssued};
use wire::agent::EmptyBody;
use wire::rfc3339;

const UNKEPT: (HeaderName, &str) = (header::CACHE_CONTROL, "no-store");

/// A browser gives its token once, and shows the session's cookie from then on.
pub(super) async fn sign_in(
    State(doors): State<Doors>,
    peer: Peer,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let SignInBody { token } = body.read()?;
    let caller = doors.access.caller_of(&Shown::Token(Secret::new(token)), peer)?;
    let sessions = &doors.access.sessions;
    let session = sessions.issue(&caller, Instant::now())?;
    let answer = SignedIn {
        success: true,
        principal: caller.0.principal.to_string(),
        roles: caller.0.roles.words().map(str::to_owned).collect(),
        customer_id: caller.0.customer.as_ref().map(ToString::to_string),
        expires_at: ends(&doors, sessions.life()),
    };
    let cookie = set_cookie(session.expose(), sessions.life(), &headers);
    Ok(([UNKEPT, (header::SET_COOKIE, &cookie)], Json(answer)).into_response())
}

/// The session ends, and with it every stream that was opened by it.
pub(super) async fn sign_out(State(doors): State<Doors>, headers: HeaderMap) -> Response {
    if let Some(session) = cookie(&headers) {
        doors.access.sessions.end(&session);
    }
    let cookie = set_cookie("", Duration::ZERO, &headers);
    ([UNKEPT, (header::SET_COOKIE, &cookie)], Json(SignedOut { success: true })).into_response()
}

/// Lets its bearer open one stream or socket as who asked for it.
pub(super) async fn ticket(State(doors): State<Doors>, caller: Caller, body: Body) -> Result<Response, Refused> {
    body.read::<EmptyBody>()?;
    let tickets = &doors.access.tickets;
    let ticket = tickets.issue(&caller, Instant::now())?.expose().to_owned();
    let answer = TicketIssued { success: true, ticket, expires_at: ends(&doors, tickets.life()) };
    Ok(([UNKEPT], Json(answer)).into_response())
}

fn ends(doors: &Doors, life: Duration) -> String {
    rfc3339(doors.desk.now() + u64::try_from(life.as_millis()).unwrap_or(u64::MAX))
}

/// `Secure` if the browser came by TLS, which a proxy before us says. Who lies about that harms only themselves.
fn set_cookie(session: &str, life: Duration, headers: &HeaderMap) -> String {
    let proto = headers.get("x-forwarded-proto").and_then(|proto| proto.to_str().ok()).unwrap_or_default();
    let is_tls = proto.split(',').next().is_some_and(|first| first.trim().eq_ignore_ascii_case("https"));
    let secure = if is_tls { "; Secure" } else { "" };
    format!("{SESSION}={session}; HttpOnly; SameSite=Strict; Path=/; Max-Age={}{secure}", life.as_secs())
}
