//! The page, built into the binary.

use super::body::Segment;
use super::problem::Refused;
use axum::http::{HeaderName, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "../../ui/dist"]
#[allow_missing = true]
struct Built;

const CSP: &str =
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'";

const NOT_BUILT: &str = "<!doctype html><title>Callboard</title><p>This binary was built without its page. \
    Build the page first: <code>cargo xtask setup</code>, then build again. The API is at <code>/api</code>.";

pub(super) async fn page() -> Response {
    html("index.html")
}

/// A page of this name.
pub(super) fn html(name: &str) -> Response {
    match Built::get(name) {
        Some(file) => answer("text/html; charset=utf-8", "no-cache", file.data.into_owned()),
        None => answer("text/html; charset=utf-8", "no-cache", NOT_BUILT.into()),
    }
}

pub(super) async fn icon() -> Result<Response, Refused> {
    file("icon.svg", "no-cache")
}

/// Only what was built in has a name here; nothing is looked up on any disk.
pub(super) async fn asset(Segment(path): Segment) -> Result<Response, Refused> {
    // Built files carry the hash of their content in their name.
    file(&format!("assets/{path}"), "public, max-age=31536000, immutable")
}

fn file(name: &str, cache: &'static str) -> Result<Response, Refused> {
    let file =
        Built::get(name).ok_or_else(|| Refused::new(404, "not_found", "this page was built without such a file"))?;
    let kind = match name.rsplit_once('.').map(|(_, kind)| kind) {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    };
    Ok(answer(kind, cache, file.data.into_owned()))
}

fn answer(kind: &'static str, cache: &'static str, bytes: Vec<u8>) -> Response {
    let headers: [(HeaderName, &str); 5] = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, cache),
        (header::CONTENT_SECURITY_POLICY, CSP),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (headers, bytes).into_response()
}
