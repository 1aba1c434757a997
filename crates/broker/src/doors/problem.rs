//! How a door says no.

use super::refusals::Said;
use crate::access::{NotLetIn, TooFast};
use crate::desk::NotDecided;
use crate::limits;
use axum::Json;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use wire::{Malformed, Problem};

/// A problem on its way out, and when to come back if that is of use.
#[derive(Debug)]
pub(super) struct Refused {
    problem: Box<Problem>,
    retry_after_s: Option<u32>,
    /// What the path takes instead.
    allow: Option<String>,
}

impl Refused {
    pub(super) fn new(status: u16, code: &str, detail: impl Into<String>) -> Refused {
        Refused { problem: Box::new(Problem::new(status, code, detail)), retry_after_s: None, allow: None }
    }

    pub(super) fn problem(&self) -> &Problem {
        &self.problem
    }

    pub(super) fn allowing(self, methods: String) -> Refused {
        Refused { allow: Some(methods), ..self }
    }

    /// Says when to come back.
    pub(super) fn retry_after(self, seconds: u32) -> Refused {
        Refused { retry_after_s: Some(seconds), ..self }
    }
}

impl From<Box<Problem>> for Refused {
    fn from(problem: Box<Problem>) -> Refused {
        Refused { problem, retry_after_s: None, allow: None }
    }
}

impl From<NotLetIn> for Refused {
    fn from(not: NotLetIn) -> Refused {
        let unauthorized = |why: &str| Refused::new(401, "unauthorized", why);
        match not {
            NotLetIn::NothingShown => {
                unauthorized("this needs a token: send the header Authorization: Bearer TOKEN, or sign in")
            }
            NotLetIn::WrongToken => unauthorized("this token is not known here, or not any more"),
            NotLetIn::NoTicket => {
                let seconds = limits::TICKET_LIFE.as_secs();
                unauthorized(&format!("this ticket is not known: a ticket holds once, and for {seconds} s"))
            }
            NotLetIn::SessionEnded => unauthorized("this session has ended: sign in again"),
            NotLetIn::Revoked => unauthorized("the token of this call has been taken back, or may something else now"),
            NotLetIn::TooOften { what, retry_after_s } => {
                Refused::new(429, "rate_limited", format!("too many {what}")).retry_after(retry_after_s)
            }
            NotLetIn::TooManyPasses { max } => {
                let why = format!("{max} sessions or tickets are open, which is the limit");
                Refused::new(429, "rate_limited", why).retry_after(30)
            }
            NotLetIn::NoRandomness => Refused::new(500, "internal", "the system gives no random numbers"),
            NotLetIn::TooManyPlaces { whose, max } => {
                let why = format!("{max} streams and sockets {whose} are open, which is the limit");
                Refused::new(503, "too_many_connections", why).retry_after(5)
            }
        }
    }
}

impl From<TooFast> for Refused {
    fn from(fast: TooFast) -> Refused {
        match fast {
            TooFast::Wait { per_second, retry_after_s } => {
                let why = format!("more than {per_second} submissions a second of this principal, which is its limit");
                Refused::new(429, "rate_limited", why).retry_after(retry_after_s)
            }
            TooFast::Never { per_second } => {
                let why =
                    format!("the batch has more than {per_second} jobs, which may be submitted in a second; split it");
                Refused::new(429, "rate_limited", why).retry_after(1)
            }
        }
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Refused {
        Refused { problem: Box::new(problem), retry_after_s: None, allow: None }
    }
}

impl From<Malformed> for Refused {
    fn from(malformed: Malformed) -> Refused {
        Refused { problem: Box::new((&malformed).into()), retry_after_s: None, allow: None }
    }
}

impl From<fleet::Refusal> for Refused {
    fn from(refusal: fleet::Refusal) -> Refused {
        Refused { problem: Box::new((&refusal).into()), retry_after_s: None, allow: None }
    }
}

impl From<NotDecided> for Refused {
    fn from(not: NotDecided) -> Refused {
        Refused { problem: Box::new(not.problem()), retry_after_s: not.retry_after_s(), allow: None }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let said = Said::of(&self);
        let status = StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self.problem)).into_response();
        response.extensions_mut().insert(said);
        let headers = response.headers_mut();
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(allow) = self.allow.and_then(|allow| HeaderValue::from_str(&allow).ok()) {
            headers.insert(header::ALLOW, allow);
        }
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

pub(super) async fn unknown_path(uri: Uri) -> Refused {
    Refused::new(404, "not_found", format!("there is nothing at {}", uri.path()))
}

pub(super) async fn unknown_method(method: Method, uri: Uri) -> Refused {
    Refused::new(405, "method_not_allowed", format!("{} does not take {method}", uri.path()))
}
