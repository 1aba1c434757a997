//! Who may knock at all. Without tokens the server is for this machine only: a web page from
//! elsewhere must not reach it, neither by a name that resolves to loopback nor by a form.

use super::problem::Refused;
use crate::config::Config;
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use std::borrow::Cow;

/// # Errors
/// The request is not for us, or comes from a page that is not ours.
pub(super) fn check(config: &Config, request: &Request) -> Result<(), Refused> {
    let host = match request.uri().authority() {
        Some(authority) => Some(authority.as_str().into()),
        None => text(request.headers(), header::HOST),
    };
    check_host(config, host.as_deref())?;
    check_origin(config, request.headers())
}

/// Against DNS rebinding: the name that the caller used must be one of ours.
fn check_host(config: &Config, host: Option<&str>) -> Result<(), Refused> {
    let host = host.unwrap_or_default();
    if config.any_host || is_ours(config, host) {
        return Ok(());
    }
    let why = format!("this server does not answer to the name {host:?}; see --allow-host");
    Err(Refused::new(403, "forbidden", why))
}

/// Against pages from elsewhere: a browser says where a request comes from.
fn check_origin(config: &Config, headers: &HeaderMap) -> Result<(), Refused> {
    let Some(origin) = text(headers, header::ORIGIN) else { return Ok(()) };
    let host = origin.split_once("://").map_or("", |(_, host)| host);
    let same = text(headers, header::HOST).is_some_and(|ours| ours == host);
    if same || is_ours(config, host) {
        return Ok(());
    }
    Err(Refused::new(403, "forbidden", format!("requests from pages of {origin:?} are not taken")))
}

fn is_ours(config: &Config, host: &str) -> bool {
    let name = without_port(host);
    let is_loopback = name == "localhost"
        || name.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    is_loopback || config.allow_hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(name))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    }
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<Cow<'_, str>> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_names_are_answered_to() {
        let config = Config { allow_hosts: vec!["board.example".to_owned()], ..Config::default() };
        for ours in ["localhost", "localhost:3331", "127.0.0.1:3331", "127.8.9.1", "[::1]:3331", "Board.example:80"] {
            assert!(check_host(&config, Some(ours)).is_ok(), "{ours}");
        }
        for strange in ["", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "[::2]"] {
            assert!(check_host(&config, Some(strange)).is_err(), "{strange}");
        }
    }

    #[test]
    fn a_page_from_elsewhere_is_refused_and_ours_is_not() {
        let headers = |origin: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, "127.0.0.1:3331".parse().unwrap());
            headers.insert(header::ORIGIN, origin.parse().unwrap());
            headers
        };
        let config = Config::default();
        assert!(check_origin(&config, &HeaderMap::new()).is_ok(), "programs send no Origin");
        assert!(check_origin(&config, &headers("http://127.0.0.1:3331")).is_ok());
        for strange in ["https://evil.example", "null", "http://localhost.evil.example:3331"] {
            assert!(check_origin(&config, &headers(strange)).is_err(), "{strange}");
        }
    }
}
