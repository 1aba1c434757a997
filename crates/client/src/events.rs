//! A stream of events that survives its connections.

use crate::http::check_status;
use crate::{Backoff, Client, ClientError, Event, limits, sse};
use bytes::Bytes;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Response, StatusCode};
use std::collections::VecDeque;
use std::time::Duration;

/// Events of one path, in order. A lost connection is made again at the last position, without a
/// gap; only what is passing may be missed.
#[derive(Debug)]
pub struct Events {
    client: Client,
    path: String,
    position: Option<String>,
    backoff: Backoff,
    state: State,
    ready: VecDeque<Event>,
}

#[derive(Debug)]
enum State {
    /// Wait for `pause`, then open.
    Away {
        pause: Duration,
    },
    Open(Box<Open>),
    Ended,
}

#[derive(Debug)]
struct Open {
    response: Response,
    parser: sse::Parser,
}

impl Client {
    /// The events of `path` (such as `/api/events/monitor?topics=jobs`), after the position
    /// `since` if one is given. Nothing is asked before the first event is.
    #[must_use]
    pub fn events(&self, path: &str, since: Option<&str>) -> Events {
        Events {
            client: self.clone(),
            path: path.trim_start_matches('/').to_owned(),
            position: since.map(str::to_owned),
            backoff: backoff(Duration::from_millis(limits::RECONNECT_MS_DEFAULT)),
            state: State::Away { pause: Duration::ZERO },
            ready: VecDeque::new(),
        }
    }
}

fn backoff(base: Duration) -> Backoff {
    Backoff::new(base, Duration::from_millis(limits::RECONNECT_MS_MAX))
}

impl Events {
    /// The next event. `None`: the broker has nothing more to say (204). After an error, which is
    /// always the last thing, `None` as well.
    ///
    /// Dropping the returned future loses no event.
    pub async fn next(&mut self) -> Option<Result<Event, ClientError>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(Ok(event));
            }
            let step = match &mut self.state {
                State::Ended => return None,
                State::Away { pause } => {
                    let pause = *pause;
                    tokio::time::sleep(pause).await;
                    self.open().await
                }
                State::Open(open) => match read(&mut open.response).await {
                    Ok(bytes) => {
                        take_in(&mut open.parser, &bytes, &mut self.ready, &mut self.position, &mut self.backoff)
                    }
                    Err(error) => Err(error),
                },
            };
            if let Err(error) = step
                && let Some(last) = self.lost(error)
            {
                return Some(Err(last));
            }
        }
    }

    /// Where the next connection would go on: behind all that was received.
    #[must_use]
    pub fn position(&self) -> Option<&str> {
        self.position.as_deref()
    }

    async fn open(&mut self) -> Result<(), ClientError> {
        let mut request = self.client.request(Method::GET, self.client.address(&self.path)?);
        request = request.header(ACCEPT, "text/event-stream").header("cache-control", "no-store");
        if let Some(position) = &self.position {
            let value = HeaderValue::from_bytes(position.as_bytes())
                .map_err(|_| self.garbled(format!("the position {position:?} cannot be sent back in a header")))?;
            request = request.header("last-event-id", value);
        }
        // Only the head of the answer is waited for so long; the stream itself goes on.
        let silent = Duration::from_millis(limits::CALL_MS_MAX);
        let sent = tokio::time::timeout(silent, request.send()).await;
        let response = sent.map_err(|_| silence(silent))?.map_err(ClientError::unreachable)?;
        let response = check_status(&self.shown(), response).await?;
        if response.status() == StatusCode::NO_CONTENT {
            self.state = State::Ended;
            return Ok(());
        }
        let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("nothing");
        if !kind.starts_with("text/event-stream") {
            return Err(self.garbled(format!("it is {kind}, not text/event-stream")));
        }
        self.state = State::Open(Box::new(Open { response, parser: sse::Parser::default() }));
        Ok(())
    }

    /// What follows from a lost connection: another try, or the error that ends it all.
    fn lost(&mut self, error: ClientError) -> Option<ClientError> {
        if let State::Open(open) = &self.state
            && let Some(retry) = open.parser.retry()
        {
            self.backoff.set_base(retry);
        }
        if !error.is_weather() || self.backoff.failures() >= limits::RECONNECTS_IN_A_ROW_MAX {
            self.state = State::Ended;
            return Some(error);
        }
        if self.backoff.failures() == 0 {
            (self.client.on_outage)(&error);
        }
        self.state = State::Away { pause: self.backoff.pause_after(&error) };
        None
    }

    fn shown(&self) -> String {
        format!("GET /{}", self.path.split('?').next().unwrap_or_default())
    }

    fn garbled(&self, why: String) -> ClientError {
        ClientError::Garbled { call: self.shown(), why }
    }
}

/// The next bytes. An end is weather like a reset: whether the stream is over, the broker says by
/// 204 when it is asked again.
async fn read(response: &mut Response) -> Result<Bytes, ClientError> {
    let silent = Duration::from_millis(limits::STREAM_SILENT_MS_MAX);
    let read = tokio::time::timeout(silent, response.chunk()).await.map_err(|_| silence(silent))?;
    read.map_err(ClientError::unreachable)?
        .ok_or_else(|| ClientError::Unreachable { why: "it ended the stream".to_owned(), retry_after: None })
}

fn take_in(
    parser: &mut sse::Parser,
    bytes: &[u8],
    ready: &mut VecDeque<Event>,
    position: &mut Option<String>,
    backoff: &mut Backoff,
) -> Result<(), ClientError> {
    let mut events = Vec::new();
    let pushed = parser.push(bytes, &mut events);
    if !events.is_empty() {
        backoff.reset();
    }
    ready.extend(events);
    if let Some(last) = parser.last_id() {
        *position = Some(last.to_owned());
    }
    pushed.map_err(|error| ClientError::Garbled { call: "the stream".to_owned(), why: error.to_string() })
}

fn silence(silent: Duration) -> ClientError {
    ClientError::Unreachable { why: format!("nothing was heard for {} s", silent.as_secs()), retry_after: None }
}
