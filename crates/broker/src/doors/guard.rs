//! Who may knock at all, as whom, and at which door.

use super::Doors;
use super::problem::{self, Refused};
use super::refusals::Asking;
use crate::access::{self, Caller, Entry, NotLetIn, PageFrom, Peer, Secret, Shown, Who};
use axum::extract::{Query, Request};
use axum::http::{HeaderMap, Uri, header};
use serde::Deserialize;
use std::borrow::Cow;

/// The cookie of a session.
pub(super) const SESSION: &str = "callboard_session";

/// # Errors
/// The request is not for us, or comes from a page that may not ask.
pub(super) fn page_of(doors: &Doors, request: &Request) -> Result<PageFrom, Refused> {
    let host = match request.uri().authority() {
        Some(authority) => Some(authority.as_str().into()),
        None => text(request.headers(), header::HOST),
    };
    let host = host.as_deref().unwrap_or_default();
    let is_open = doors.access.is_open();
    // Against DNS rebinding: where no token is asked for, the name that the caller used must be one of ours.
    if is_open && !doors.config.any_host && !is_ours(&doors.config.allow_hosts, host) {
        let why = format!("this server does not answer to the name {host:?}; see --allow-host");
        return Err(Refused::new(403, "forbidden", why));
    }
    // A browser says which page a request comes from.
    let origin = text(request.headers(), header::ORIGIN);
    let page_is_ours = |page: &str| page == host || is_open && is_ours(&doors.config.allow_hosts, page);
    match access::page_from(origin.as_deref(), page_is_ours, &doors.config.allow_origins) {
        PageFrom::Elsewhere => {
            let origin = origin.unwrap_or_default();
            let why = format!("requests from pages of {origin:?} are not taken; see --allow-origin");
            Err(Refused::new(403, "forbidden", why))
        }
        page => Ok(page),
    }
}

fn is_ours(allow_hosts: &[String], host: &str) -> bool {
    let name = without_port(host);
    let is_loopback = name == "localhost"
        || name.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    is_loopback || allow_hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(name))
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

/// Finds out who asks and whether they may; the request carries the [`Caller`] from here on, and no
/// secret but its cookies.
///
/// # Errors
/// There is no such door, nobody knows who asks, or they may not.
pub(super) async fn let_in(
    doors: &Doors,
    page: PageFrom,
    request: &mut Request,
    asking: &mut Asking,
) -> Result<(), Refused> {
    // Before anything else could see them.
    let in_address = taken_out(request)?;
    let bearer = request.headers_mut().remove(header::AUTHORIZATION);
    let (method, path) = (request.method(), request.uri().path());
    let Some(entry) = access::entry_of(method.as_str(), path, is_upgrade(request.headers())) else {
        let methods = access::methods_of(path);
        return Err(match methods.is_empty() {
            true => problem::unknown_path(request.uri().clone()).await,
            false => problem::unknown_method(method.clone(), request.uri().clone()).await.allowing(methods.join(",")),
        });
    };
    asking.entry = Some(entry);
    let shown = match (bearer, in_address) {
        (_, Some(_)) if !entry.is_stream => {
            let why = "the query: a token or ticket stands in the address of a stream or WebSocket only; \
                       send the header Authorization: Bearer, and take another token, addresses are logged on their way";
            return Err(Refused::new(400, "bad_field", why));
        }
        (Some(bearer), _) => Shown::Token(bearer_of(&bearer)),
        (None, Some(shown)) => shown,
        // What all pages may do must not be done by a cookie.
        (None, None) if page == PageFrom::Anywhere => Shown::Nothing,
        (None, None) => cookie(request.headers()).map_or(Shown::Nothing, Shown::Session),
    };
    let peer = request.extensions().get::<Peer>().copied().unwrap_or_default();
    let caller = caller_of(doors, entry, &shown, peer)?;
    asking.caller = Some(caller.clone());
    entry.who.check(&caller).map_err(|why| Refused::new(403, "forbidden", why))?;
    request.extensions_mut().insert(caller);
    Ok(())
}

fn caller_of(doors: &Doors, entry: &Entry, shown: &Shown, peer: Peer) -> Result<Caller, NotLetIn> {
    match doors.access.caller_of(shown, peer) {
        // A door that is open to all is open to who has no session any more, too.
        Err(NotLetIn::NothingShown | NotLetIn::SessionEnded) if entry.who == Who::Anyone => Ok(Caller::nobody()),
        outcome => outcome,
    }
}

fn is_upgrade(headers: &HeaderMap) -> bool {
    headers.get(header::UPGRADE).is_some_and(|to| to.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// What is no bearer's token is nobody's.
fn bearer_of(value: &header::HeaderValue) -> Secret {
    let text = value.to_str().unwrap_or_default();
    let (scheme, token) = text.split_once(' ').unwrap_or_default();
    Secret::new(if scheme.eq_ignore_ascii_case("bearer") { token.trim() } else { "" })
}

/// The session that a browser shows.
pub(super) fn cookie(headers: &HeaderMap) -> Option<Secret> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == SESSION).map(|(_, value)| Secret::new(value))
}

#[derive(Deserialize)]
struct InAddress {
    token: Option<String>,
    ticket: Option<String>,
}

/// What the address shows of who asks; it stands there no longer.
fn taken_out(request: &mut Request) -> Result<Option<Shown>, Refused> {
    let is_secret = |pair: &&str| matches!(pair.split('=').next(), Some("token" | "ticket"));
    let Some(query) = request.uri().query() else { return Ok(None) };
    if !query.split('&').any(|pair| is_secret(&pair)) {
        return Ok(None);
    }
    let unread = || Refused::new(400, "bad_field", "the query: its token or ticket cannot be read");
    let read = Query::<InAddress>::try_from_uri(request.uri());
    let rest: Vec<&str> = query.split('&').filter(|pair| !is_secret(pair)).collect();
    *request.uri_mut() = with_query(request.uri(), &rest.join("&")).ok_or_else(unread)?;
    match read {
        Ok(Query(InAddress { token: Some(token), ticket: None })) => Ok(Some(Shown::Token(Secret::new(token)))),
        Ok(Query(InAddress { token: None, ticket: Some(ticket) })) => Ok(Some(Shown::Ticket(Secret::new(ticket)))),
        _ => Err(unread()),
    }
}

/// The same address with this query.
pub(super) fn with_query(uri: &Uri, query: &str) -> Option<Uri> {
    let path = if query.is_empty() { uri.path().to_owned() } else { format!("{}?{query}", uri.path()) };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path.parse().ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    #[test]
    fn only_our_own_names_are_answered_to() {
        let allowed = ["board.example".to_owned()];
        for ours in ["localhost", "localhost:3331", "127.0.0.1:3331", "127.8.9.1", "[::1]:3331", "Board.example:80"] {
            assert!(is_ours(&allowed, ours), "{ours}");
        }
        for strange in ["", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "[::2]"] {
            assert!(!is_ours(&allowed, strange), "{strange}");
        }
    }

    #[test]
    fn a_token_in_an_address_is_read_and_stands_there_no_longer() {
        for (query, shown, rest) in [
            ("token=a%2Bb", "a+b", ""),
            ("topics=jobs&token=abc&since=1-2", "abc", "topics=jobs&since=1-2"),
            ("ticket=t&x", "t", "x"),
        ] {
            let mut request = Request::get(format!("/api/events/monitor?{query}")).body(Body::empty()).unwrap();
            let Some(Shown::Token(secret) | Shown::Ticket(secret)) = taken_out(&mut request).unwrap() else {
                panic!("{query}")
            };
            assert_eq!((secret.expose(), request.uri().query().unwrap_or_default()), (shown, rest));
        }
        for wrong in ["token=a&ticket=b", "token=a&token=b", "token"] {
            let mut request = Request::get(format!("/ws?{wrong}")).body(Body::empty()).unwrap();
            let is_read =
                matches!(taken_out(&mut request), Ok(Some(Shown::Token(secret))) if !secret.expose().is_empty());
            assert!(!is_read && request.uri().query().is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_bearer_and_a_cookie_are_found_among_others() {
        let value = |text: &str| header::HeaderValue::from_str(text).unwrap();
        assert_eq!(bearer_of(&value("bearer  abc ")).expose(), "abc");
        for other in ["Basic abc", "abc", "Bearer", ""] {
            assert_eq!(bearer_of(&value(other)).expose(), "", "{other}");
        }
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, value("a=b; xcallboard_session=no"));
        headers.append(header::COOKIE, value("theme=dark;callboard_session=s; z=1"));
        assert_eq!(cookie(&headers).unwrap().expose(), "s");
    }
}
