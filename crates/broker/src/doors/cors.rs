//! What pages of other origins are told they may do (`--allow-origin`).

use crate::access::{AllowOrigin, PageFrom};
use crate::config::Config;
use crate::limits;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

const METHODS: &str = "GET, POST, PUT, DELETE";
const HEADERS: &str =
    "Authorization, Content-Type, Idempotency-Key, Last-Event-ID, Prefer, X-Client-Id, X-Worker-Session";
const EXPOSED: &str = "Retry-After, Location";

/// Signs the answers to one request.
pub(super) struct Signature {
    /// What the page may be told it is allowed as; `None`: nothing.
    origin: Option<HeaderValue>,
    with_cookies: bool,
    /// Another page gets another answer.
    varies: bool,
}

impl Signature {
    pub(super) fn of(config: &Config, page: PageFrom, headers: &HeaderMap) -> Signature {
        let origin = match page {
            PageFrom::Named => headers.get(header::ORIGIN).cloned(),
            PageFrom::Anywhere => Some(HeaderValue::from_static("*")),
            PageFrom::Nowhere | PageFrom::Ours | PageFrom::Elsewhere => None,
        };
        let varies = config.allow_origins.iter().any(|one| *one != AllowOrigin::Any);
        Signature { origin, with_cookies: page == PageFrom::Named, varies }
    }

    pub(super) fn sign(self, mut response: Response) -> Response {
        let headers = response.headers_mut();
        if self.varies {
            headers.insert(header::VARY, HeaderValue::from_static("Origin"));
        }
        let Some(origin) = self.origin else { return response };
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
        if self.with_cookies {
            headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        response
    }
}

/// A browser asks whether it may ask: for a page that may, it is answered without a token, which it never sends.
pub(super) fn preflight(page: PageFrom, request: &Request) -> Option<Response> {
    let asks = request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
        && matches!(page, PageFrom::Named | PageFrom::Anywhere);
    let allowed = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS)),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(HEADERS)),
        (header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from(limits::PREFLIGHT_S)),
    ];
    asks.then(|| (StatusCode::NO_CONTENT, allowed).into_response())
}
