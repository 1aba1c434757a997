//! The reference: as a document for programs, and as a page.

use super::ui;
use axum::http::{HeaderMap, HeaderName, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;
use std::sync::LazyLock;

/// Made when it is first asked for; what each further request costs is its bytes.
static DOCUMENT: LazyLock<Document> = LazyLock::new(|| Document::of(wire::openapi::json()));

struct Document {
    plain: Bytes,
    gzip: Bytes,
}

impl Document {
    fn of(text: String) -> Document {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        let written = gzip.write_all(text.as_bytes()).and_then(|()| gzip.finish());
        Document { gzip: written.expect("memory takes what is written").into(), plain: text.into() }
    }
}

pub(super) async fn openapi(headers: HeaderMap) -> Response {
    let always: [(HeaderName, &str); 3] = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-cache"),
        (header::VARY, "accept-encoding"),
    ];
    match takes_gzip(&headers) {
        true => (always, [(header::CONTENT_ENCODING, "gzip")], DOCUMENT.gzip.clone()).into_response(),
        false => (always, DOCUMENT.plain.clone()).into_response(),
    }
}

/// RFC 9110: named, and not with a weight of nothing.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let given = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    given.flat_map(|value| value.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = weight.trim().strip_prefix("q=").map_or(Some(1.0), |weight| weight.parse::<f32>().ok());
        name.trim().eq_ignore_ascii_case("gzip") && weight.is_some_and(|weight| weight > 0.0)
    })
}

pub(super) async fn page() -> Response {
    ui::html("docs.html")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_ask_for_gzip_is_not_given_it() {
        let takes = |value: &'static str| {
            takes_gzip(&HeaderMap::from_iter([(header::ACCEPT_ENCODING, value.parse().unwrap())]))
        };
        assert!(takes("gzip") && takes("br, GZIP;q=0.5") && takes("deflate,gzip"));
        assert!(!takes("") && !takes("br") && !takes("gzip;q=0") && !takes("identity, gzip;q=0.0"));
    }
}
