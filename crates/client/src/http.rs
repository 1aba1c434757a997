//! One call: an address and a body there, an answer or an error back.

use crate::error::{ClientError, TokenError, UrlError, is_weather_status};
use crate::limits;
use bytes::{Bytes, BytesMut};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::sync::Once;
use std::time::Duration;
use wire::Problem;

/// A hand on one broker. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    bearer: Option<HeaderValue>,
    pub(crate) on_outage: fn(&ClientError),
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({})", self.base)
    }
}

impl Client {
    /// `url` is `http://…` or `https://…`; a path before the doors is kept, a slash at the end is
    /// allowed. Nothing is asked yet.
    ///
    /// # Errors
    /// The text is no such address, or the system has no CA certificates to check `https` with.
    pub fn new(url: &str) -> Result<Client, UrlError> {
        let base = parse_base(url)?;
        install_ring();
        let mut builder = reqwest::Client::builder()
            .connect_timeout(Duration::from_millis(limits::CONNECT_MS_MAX))
            .pool_idle_timeout(Duration::from_millis(limits::IDLE_MS_MAX))
            // A redirect of a POST arrives as a GET; a moved broker is for a person to decide.
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .tcp_nodelay(true);
        #[cfg(target_os = "linux")]
        {
            builder = builder.tcp_user_timeout(Duration::from_millis(limits::UNACKNOWLEDGED_MS_MAX));
        }
        if base.scheme() == "http" {
            // So that a machine without CA certificates can speak to a broker that needs none.
            builder = builder.tls_certs_only([]);
        }
        if is_loopback(&base) {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| {
            let why = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
            UrlError::Tls { url: url.to_owned(), why }
        })?;
        Ok(Client { http, base, bearer: None, on_outage: |_| {} })
    }

    /// Every call shows this token. It is in no error and no log.
    ///
    /// # Errors
    /// It holds what no header may hold.
    pub fn with_token(mut self, token: &str) -> Result<Client, TokenError> {
        let mut bearer = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| TokenError)?;
        bearer.set_sensitive(true);
        self.bearer = Some(bearer);
        Ok(self)
    }

    /// Streams come back by themselves; `tell` is called once for each time they have to.
    #[must_use]
    pub fn on_outage(mut self, tell: fn(&ClientError)) -> Client {
        self.on_outage = tell;
        self
    }

    /// The broker's address, ending in a slash.
    #[must_use]
    pub fn url(&self) -> &str {
        self.base.as_str()
    }

    /// `path` without a slash at its beginning, its parts made by [`id_part`].
    pub(crate) fn address(&self, path: &str) -> Result<Url, ClientError> {
        self.base.join(path).map_err(|error| {
            let why = format!("{path:?} is not a path of the broker: {error}");
            ClientError::problem(400, "bad_field", why)
        })
    }

    pub(crate) fn request(&self, method: Method, address: Url) -> reqwest::RequestBuilder {
        let request = self.http.request(method, address);
        match &self.bearer {
            Some(bearer) => request.header(AUTHORIZATION, bearer),
            None => request,
        }
    }

    pub(crate) fn call(&self, method: &Method, path: &str) -> Result<Call, ClientError> {
        let request = self.request(method.clone(), self.address(path)?).header(ACCEPT, "application/json");
        let path = path.split('?').next().unwrap_or_default();
        // A lease is a secret: what the call is called in errors leaves it out.
        let shown = match path.strip_prefix("api/leases/").and_then(|rest| rest.split_once('/')) {
            Some((_, verb)) => format!("{method} /api/leases/…/{verb}"),
            None => format!("{method} /{path}"),
        };
        Ok(Call { request, shown, wait: Duration::ZERO })
    }
}

/// A call that is being put together.
pub(crate) struct Call {
    request: reqwest::RequestBuilder,
    shown: String,
    wait: Duration,
}

impl Call {
    pub(crate) fn body(mut self, body: &impl Serialize) -> Result<Call, ClientError> {
        let bytes = serde_json::to_vec(body).map_err(|error| {
            let why = format!("the body of {} cannot be written as JSON: {error}", self.shown);
            ClientError::problem(400, "bad_json", why)
        })?;
        self.request = self.request.header(CONTENT_TYPE, "application/json").body(bytes);
        Ok(self)
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Call {
        self.request = self.request.header(name, value);
        self
    }

    /// The broker is asked to take so long before it answers.
    pub(crate) fn waiting(mut self, ms: u64) -> Call {
        self.wait = Duration::from_millis(ms);
        self
    }

    /// The answer, or `None` for 204.
    pub(crate) async fn ask<T: DeserializeOwned>(self) -> Result<Option<T>, ClientError> {
        let (shown, bytes) = self.send().await?;
        let Some(bytes) = bytes else { return Ok(None) };
        serde_json::from_slice(&bytes).map(Some).map_err(|error| garbled(&shown, &error, &bytes))
    }

    /// The answer; 204 is none.
    pub(crate) async fn answer<T: DeserializeOwned>(self) -> Result<T, ClientError> {
        let call = self.shown.clone();
        let why = "204, but this call always has an answer".to_owned();
        self.ask().await?.ok_or(ClientError::Garbled { call, why })
    }

    /// That it went well is all there is to know.
    pub(crate) async fn done(self) -> Result<(), ClientError> {
        self.send().await.map(drop)
    }

    async fn send(self) -> Result<(String, Option<Bytes>), ClientError> {
        let timeout = self.wait + Duration::from_millis(limits::CALL_MS_MAX);
        let sent = self.request.timeout(timeout).send().await;
        let response = sent.map_err(ClientError::unreachable)?;
        let response = check_status(&self.shown, response).await?;
        if response.status() == StatusCode::NO_CONTENT {
            return Ok((self.shown, None));
        }
        let bytes = read(&self.shown, response).await?;
        Ok((self.shown, Some(bytes)))
    }
}

/// Lets 2xx through and tells apart who said anything else.
pub(crate) async fn check_status(call: &str, response: Response) -> Result<Response, ClientError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    if status.is_redirection() {
        let to = response.headers().get("location").and_then(|to| to.to_str().ok()).unwrap_or("nowhere");
        let why = format!("{status}, a redirect to {to}; give the broker's own address");
        return Err(ClientError::Garbled { call: call.to_owned(), why });
    }
    let retry_after = retry_after(response.headers());
    let bytes = read(call, response).await?;
    match serde_json::from_slice::<Problem>(&bytes) {
        Ok(problem) => {
            // The status line is what intermediaries acted on, so it is believed.
            let problem = Box::new(Problem { status: status.as_u16(), ..problem });
            Err(ClientError::Problem { problem, retry_after })
        }
        Err(_) if is_weather_status(status.as_u16()) => {
            Err(ClientError::Unreachable { why: format!("something before it answered {status}"), retry_after })
        }
        Err(_) => {
            let why = format!("{status} with {}", quote(&bytes));
            Err(ClientError::Garbled { call: call.to_owned(), why })
        }
    }
}

/// The whole body, up to [`limits::ANSWER_BYTES_MAX`].
async fn read(call: &str, mut response: Response) -> Result<Bytes, ClientError> {
    let mut whole = BytesMut::new();
    while let Some(piece) = response.chunk().await.map_err(ClientError::unreachable)? {
        if whole.len() + piece.len() > limits::ANSWER_BYTES_MAX {
            let why = format!("it is longer than {} bytes", limits::ANSWER_BYTES_MAX);
            return Err(ClientError::Garbled { call: call.to_owned(), why });
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole.freeze())
}

fn garbled(call: &str, error: &serde_json::Error, bytes: &[u8]) -> ClientError {
    ClientError::Garbled { call: call.to_owned(), why: format!("{error} in {}", quote(bytes)) }
}

/// The beginning of foreign bytes, for an error.
fn quote(bytes: &[u8]) -> String {
    let cut = &bytes[..bytes.len().min(limits::QUOTED_BYTES_MAX)];
    let more = if cut.len() < bytes.len() { "…" } else { "" };
    format!("{:?}{more}", String::from_utf8_lossy(cut))
}

/// Whole seconds only: the broker sends no dates.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse::<u64>().ok()?;
    Some(Duration::from_millis(seconds.saturating_mul(1_000).min(limits::RETRY_AFTER_MS_MAX)))
}

fn parse_base(url: &str) -> Result<Url, UrlError> {
    let wrong = |why: String| UrlError::Wrong { url: url.to_owned(), why };
    let mut base = Url::parse(url.trim()).map_err(|error| wrong(error.to_string()))?;
    if !matches!(base.scheme(), "http" | "https") {
        return Err(wrong(format!("it begins with {:?}, not with http:// or https://", base.scheme())));
    }
    if base.query().is_some() || base.fragment().is_some() {
        return Err(wrong("nothing may follow the path".to_owned()));
    }
    if !base.username().is_empty() || base.password().is_some() {
        return Err(wrong("a name or password does not belong into it".to_owned()));
    }
    if !base.path().ends_with('/') {
        base.set_path(&format!("{}/", base.path()));
    }
    Ok(base)
}

fn is_loopback(base: &Url) -> bool {
    let host = base.host_str().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// reqwest is built without a TLS provider of its own and panics unless one is installed.
fn install_ring() {
    static ONCE: Once = Once::new();
    // An error means that the program has already chosen one, which is as well.
    ONCE.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
}

/// Whether the text may name a job, a worker or a machine (`wire.md` §1).
#[must_use]
pub fn is_id(text: &str) -> bool {
    let bytes = text.as_bytes();
    let others = |byte: &u8| byte.is_ascii_alphanumeric() || b"._:@=+~-".contains(byte);
    matches!(bytes.first(), Some(first) if first.is_ascii_alphanumeric())
        && bytes.len() <= 128
        && bytes.iter().all(others)
}

/// A part of a path. What is no id is refused here: the broker would read it as another path.
pub(crate) fn id_part<'a>(what: &str, text: &'a str) -> Result<&'a str, ClientError> {
    if is_id(text) {
        return Ok(text);
    }
    let why = format!(
        "{what} {text:?} is no id; an id has 1 to 128 letters, digits and . _ : @ = + ~ -, and begins with a letter or digit"
    );
    Err(ClientError::problem(400, "bad_field", why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_its_path_and_may_end_in_a_slash() {
        for (given, asked) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/api/jobs"),
            ("http://127.0.0.1:8080/", "http://127.0.0.1:8080/api/jobs"),
            (" http://broker/board ", "http://broker/board/api/jobs"),
            ("http://broker/board/", "http://broker/board/api/jobs"),
        ] {
            assert_eq!(Client::new(given).unwrap().address("api/jobs").unwrap().as_str(), asked);
        }
    }

    #[test]
    fn https_is_prepared_or_says_what_is_missing() {
        match Client::new("https://broker") {
            Ok(client) => assert_eq!(client.url(), "https://broker/"),
            Err(error) => assert!(error.to_string().contains("ca-certificates"), "{error}"),
        }
    }

    #[test]
    fn a_wrong_address_gives_a_sentence() {
        let said = |url: &str| Client::new(url).unwrap_err().to_string();
        assert!(said("").contains("it looks like http://127.0.0.1:8080"));
        assert!(said("localhost:8080").contains("not with http:// or https://"));
        assert!(said("redis://x").contains("\"redis\""));
        assert!(said("http://").contains("empty host"));
        assert!(said("http://x/?a=1").contains("nothing may follow"));
        assert!(said("http://me:pw@x/").contains("password"));
    }

    #[test]
    fn what_is_no_id_reaches_no_other_door() {
        for id in ["", ".", "..", "a/b", "a?b", "a b", "-a", "ä"] {
            let error = id_part("job", id).unwrap_err();
            assert_eq!(error.code(), Some("bad_field"), "{id}");
        }
        assert!(is_id("a.b_c:d@e=f+g~h-1") && !is_id(&"a".repeat(129)));
    }
}
