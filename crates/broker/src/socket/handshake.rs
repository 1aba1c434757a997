//! The upgrade of a request to a WebSocket (RFC 6455, section 4.2).

use super::accepted::Accepted;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version, header};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use sha1::{Digest, Sha1};
use std::io;
use wire::Problem;

/// What is joined to the client's key (section 1.3).
const KEY_SALT: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const VERSION: &str = "13";
const KEY_BYTES: usize = 16;

/// Why a request opens no WebSocket.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum NotASocket {
    #[error("a WebSocket is opened with GET over HTTP/1.1")]
    Method,
    #[error("this door is for WebSockets; send `Connection: Upgrade` and `Upgrade: websocket`")]
    NoUpgrade,
    #[error("of WebSockets only version 13 is spoken; send `Sec-WebSocket-Version: 13`")]
    Version,
    #[error("`Sec-WebSocket-Key` must be 16 random bytes in base64")]
    Key,
}

impl NotASocket {
    pub(crate) fn problem(self) -> Problem {
        let (status, code) = match self {
            NotASocket::Method => (405, "method_not_allowed"),
            NotASocket::NoUpgrade | NotASocket::Version => (426, "upgrade_required"),
            NotASocket::Key => (400, "bad_field"),
        };
        Problem::new(status, code, self.to_string())
    }

    /// What the answer must say beside the problem.
    pub(crate) fn headers(self) -> Vec<(HeaderName, HeaderValue)> {
        match self {
            NotASocket::Method => vec![(header::ALLOW, HeaderValue::from_static("GET"))],
            NotASocket::NoUpgrade | NotASocket::Version => vec![
                (header::UPGRADE, HeaderValue::from_static("websocket")),
                (header::CONNECTION, HeaderValue::from_static("Upgrade")),
                (header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static(VERSION)),
            ],
            NotASocket::Key => Vec::new(),
        }
    }
}

/// The answer that opens the WebSocket, and what the connection becomes once it is sent.
///
/// # Errors
/// The request opens none.
pub(crate) fn accept<B>(request: &mut Request<B>) -> Result<(Response<Body>, OnUpgrade), NotASocket> {
    let accepted = accept_value(check(request)?);
    let on = request.extensions_mut().remove::<OnUpgrade>().ok_or(NotASocket::NoUpgrade)?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accepted);
    Ok((response, on))
}

/// The connection once the answer was sent, and what the client sent behind its request.
///
/// # Errors
/// It ended before.
pub(crate) async fn raw(on: OnUpgrade) -> io::Result<(Accepted, Bytes)> {
    let upgraded = on.await.map_err(io::Error::other)?;
    let strange = |_| io::Error::other("the connection was not accepted by this server");
    let parts = upgraded.downcast::<TokioIo<Accepted>>().map_err(strange)?;
    Ok((parts.io.into_inner(), parts.read_buf))
}

/// The client's key.
fn check<B>(request: &Request<B>) -> Result<&HeaderValue, NotASocket> {
    if request.method() != Method::GET || request.version() != Version::HTTP_11 {
        return Err(NotASocket::Method);
    }
    let headers = request.headers();
    if !names(headers, &header::CONNECTION, "upgrade") || !names(headers, &header::UPGRADE, "websocket") {
        return Err(NotASocket::NoUpgrade);
    }
    if headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != VERSION) {
        return Err(NotASocket::Version);
    }
    let mut keys = headers.get_all(header::SEC_WEBSOCKET_KEY).iter();
    match (keys.next(), keys.next()) {
        (Some(key), None) if is_key(key) => Ok(key),
        _ => Err(NotASocket::Key),
    }
}

/// Whether one of the words of a header is `wanted`, in whatever case.
fn names(headers: &HeaderMap, name: &HeaderName, wanted: &str) -> bool {
    let lines = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|word| word.trim().eq_ignore_ascii_case(wanted))
}

fn is_key(key: &HeaderValue) -> bool {
    BASE64_STANDARD.decode(key.as_bytes()).is_ok_and(|bytes| bytes.len() == KEY_BYTES)
}

/// Shows that we know what was asked for. SHA-1 is what the standard says, and keeps no secret here.
fn accept_value(key: &HeaderValue) -> HeaderValue {
    let hash = Sha1::new().chain_update(key.as_bytes()).chain_update(KEY_SALT).finalize();
    HeaderValue::from_str(&BASE64_STANDARD.encode(hash)).expect("base64 is ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(change: impl FnOnce(&mut Request<()>)) -> Request<()> {
        let builder = Request::builder()
            .uri("/ws/monitor/m1")
            .header("Connection", "keep-alive, Upgrade")
            .header("Upgrade", "WebSocket")
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
        let mut request = builder.body(()).unwrap();
        change(&mut request);
        request
    }

    fn refused(change: impl FnOnce(&mut Request<()>)) -> NotASocket {
        check(&request(change)).expect_err("it was taken")
    }

    #[test]
    fn the_key_of_the_standard_has_the_answer_of_the_standard() {
        let request = request(|_| ());
        assert_eq!(accept_value(check(&request).unwrap()), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn whoever_asks_for_something_else_is_told_what_is_spoken() {
        let without = |name: &'static str| {
            move |request: &mut Request<()>| {
                request.headers_mut().remove(name);
            }
        };
        let with = |name: &'static str, value: &'static str| {
            move |request: &mut Request<()>| {
                request.headers_mut().insert(name, HeaderValue::from_static(value));
            }
        };
        assert_eq!(refused(|request| *request.method_mut() = Method::POST), NotASocket::Method);
        assert_eq!(refused(|request| *request.version_mut() = Version::HTTP_10), NotASocket::Method);
        assert_eq!(refused(without("connection")), NotASocket::NoUpgrade);
        assert_eq!(refused(with("upgrade", "h2c")), NotASocket::NoUpgrade);
        assert_eq!(refused(without("sec-websocket-version")), NotASocket::Version);
        assert_eq!(refused(with("sec-websocket-version", "8")), NotASocket::Version);
        assert_eq!(refused(without("sec-websocket-key")), NotASocket::Key);
        assert_eq!(refused(with("sec-websocket-key", "c2hvcnQ=")), NotASocket::Key);
        assert_eq!(refused(with("sec-websocket-key", "not base64 at all !!!!!!")), NotASocket::Key);
        let twice = |request: &mut Request<()>| {
            request.headers_mut().append("sec-websocket-key", HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ=="));
        };
        assert_eq!(refused(twice), NotASocket::Key);
        let version = NotASocket::Version;
        assert_eq!(version.problem().status, 426);
        assert!(version.headers().contains(&(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"))));
    }
}
