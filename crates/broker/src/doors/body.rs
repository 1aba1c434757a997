//! Reading what a request carries, within limits.

use super::problem::Refused;
use crate::limits;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use wire::Malformed;
use wire::limits::{BATCH_BYTES_MAX, BODY_BYTES_MAX, WAIT_MS_MAX};

/// The bytes of a request, whole.
pub(super) struct Body(pub(super) Bytes);

impl Body {
    /// # Errors
    /// As [`wire::parse`].
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, Malformed> {
        wire::parse(&self.0)
    }
}

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Refused;

    async fn from_request(request: Request, _: &S) -> Result<Body, Refused> {
        read(request, BODY_BYTES_MAX).await.map(Body)
    }
}

/// The bytes of a batch, which may be longer.
pub(super) struct BatchBody(pub(super) Bytes);

impl<S: Send + Sync> FromRequest<S> for BatchBody {
    type Rejection = Refused;

    async fn from_request(request: Request, _: &S) -> Result<BatchBody, Refused> {
        read(request, BATCH_BYTES_MAX).await.map(BatchBody)
    }
}

async fn read(request: Request, bytes_max: usize) -> Result<Bytes, Refused> {
    let collect = Limited::new(request.into_body(), bytes_max).collect();
    match tokio::time::timeout(limits::BODY_WAIT, collect).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            let why = format!("the body is longer than {bytes_max} bytes, which is the limit");
            Err(Refused::new(413, "payload_too_large", why))
        }
        Ok(Err(error)) => Err(Refused::new(400, "bad_body", format!("the body could not be read: {error}"))),
        Err(_) => {
            let why = format!("the body did not arrive within {} s", limits::BODY_WAIT.as_secs());
            Err(Refused::new(408, "timeout", why))
        }
    }
}

/// The part of the path that a route leaves open, as text.
pub(super) struct Segment(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Segment, Refused> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(text)) => Ok(Segment(text)),
            Err(error) => Err(Malformed::field("the path", error.body_text()).into()),
        }
    }
}

/// The query of a request; what is unknown in it is refused by name.
pub(super) struct Params<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Params<T>, Refused> {
        match Query::<T>::try_from_uri(&parts.uri) {
            Ok(Query(params)) => Ok(Params(params)),
            Err(error) => {
                use std::error::Error;
                let why = error.source().map_or_else(|| error.to_string(), ToString::to_string);
                Err(Malformed::field("the query", why).into())
            }
        }
    }
}

/// How long a call waits.
pub(super) fn wait_ms(asked: Option<u64>) -> Result<u64, Malformed> {
    match asked.unwrap_or(0) {
        wait_ms @ 0..=WAIT_MS_MAX => Ok(wait_ms),
        wait_ms => Err(Malformed::field("wait_ms", format!("is {wait_ms}; it must be from 0 to {WAIT_MS_MAX}"))),
    }
}

/// A flag of a query: 0 or 1.
pub(super) fn flag(name: &str, given: Option<&str>) -> Result<bool, Malformed> {
    match given {
        None | Some("0" | "false") => Ok(false),
        Some("1" | "true" | "") => Ok(true),
        Some(other) => Err(Malformed::field(name, format!("is {other:?}; it must be 0 or 1"))),
    }
}
