//! How a door says no.

use crate::desk::NotDecided;
use axum::Json;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use wire::{Malformed, Problem};

/// A problem on its way out, and when to come back if that is of use.
#[derive(Debug)]
pub(super) struct Refused {
    problem: Box<Problem>,
    retry_after_s: Option<u32>,
}

impl Refused {
    pub(super) fn new(status: u16, code: &str, detail: impl Into<String>) -> Refused {
        Refused { problem: Box::new(Problem::new(status, code, detail)), retry_after_s: None }
    }

    /// Says when to come back.
    pub(super) fn retry_after(self, seconds: u32) -> Refused {
        Refused { retry_after_s: Some(seconds), ..self }
    }
}

impl From<Malformed> for Refused {
    fn from(malformed: Malformed) -> Refused {
        Refused { problem: Box::new((&malformed).into()), retry_after_s: None }
    }
}

impl From<fleet::Refusal> for Refused {
    fn from(refusal: fleet::Refusal) -> Refused {
        Refused { problem: Box::new((&refusal).into()), retry_after_s: None }
    }
}

impl From<NotDecided> for Refused {
    fn from(not: NotDecided) -> Refused {
        Refused { problem: Box::new(not.problem()), retry_after_s: not.retry_after_s() }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self.problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
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
