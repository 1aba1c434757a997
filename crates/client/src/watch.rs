//! Streams whose messages are understood: one job's until its end, the whole fleet's for ever.

use crate::http::id_part;
use crate::{Client, ClientError, Event, Events, limits};
use serde_json::Value;

/// One message of either dialect (`wire.md` §3 and §5).
#[derive(Clone, PartialEq, Debug)]
pub struct Message {
    /// The position after it; `None` for what is passing.
    pub id: Option<String>,
    /// Its `type`.
    pub kind: String,
    /// All of it, understood.
    pub body: Value,
    /// All of it, as it was sent: numbers keep their digits.
    pub text: String,
}

/// The client messages of one job. It ends after `complete_job`.
#[derive(Debug)]
pub struct JobWatch(Messages);

/// The monitor messages of the whole fleet. It ends only with an error.
#[derive(Debug)]
pub struct FleetWatch(Messages);

#[derive(Debug)]
struct Messages {
    events: Events,
    is_over: bool,
    /// Streams that began with a refusal, with no other message between them.
    refused_in_a_row: u32,
}

impl Client {
    /// Follows one job from its current state. Lost connections are made again without a gap.
    ///
    /// # Errors
    /// `job` is no id. That there is no such job is told by the first [`JobWatch::next`].
    pub fn watch_job(&self, job: &str) -> Result<JobWatch, ClientError> {
        let path = format!("api/jobs/{}/events", id_part("job", job)?);
        Ok(JobWatch(Messages::of(self.events(&path, None))))
    }

    /// Follows everything: a snapshot first, then each event.
    #[must_use]
    pub fn watch_all(&self) -> FleetWatch {
        FleetWatch(Messages::of(self.events("api/events/monitor", None)))
    }
}

impl JobWatch {
    /// The next message; `None` after `complete_job` or an error.
    pub async fn next(&mut self) -> Option<Result<Message, ClientError>> {
        let message = self.0.next().await?;
        self.0.is_over |= matches!(&message, Ok(message) if message.kind == "complete_job");
        Some(message)
    }
}

impl FleetWatch {
    /// The next message; `None` after an error.
    pub async fn next(&mut self) -> Option<Result<Message, ClientError>> {
        self.0.next().await
    }
}

impl Messages {
    fn of(events: Events) -> Messages {
        Messages { events, is_over: false, refused_in_a_row: 0 }
    }

    async fn next(&mut self) -> Option<Result<Message, ClientError>> {
        while !self.is_over {
            let message = self.events.next().await?.and_then(understand);
            let message = match message {
                Ok(message) if message.kind == "error" => Err(refusal(&message.body)),
                other => other,
            };
            match &message {
                Ok(_) => self.refused_in_a_row = 0,
                // The broker ends the stream after it, and it is opened again.
                Err(error) if error.is_weather() && self.refused_in_a_row < limits::RECONNECTS_IN_A_ROW_MAX => {
                    self.refused_in_a_row += 1;
                    continue;
                }
                Err(_) => self.is_over = true,
            }
            return Some(message);
        }
        None
    }
}

fn understand(event: Event) -> Result<Message, ClientError> {
    let garbled = |why: String| ClientError::Garbled { call: "the stream".to_owned(), why };
    let body: Value = serde_json::from_str(&event.data).map_err(|error| garbled(error.to_string()))?;
    let Some(kind) = body.get("type").and_then(Value::as_str) else {
        return Err(garbled("a message without a type".to_owned()));
    };
    Ok(Message { id: event.id, kind: kind.to_owned(), body, text: event.data })
}

/// A refusal that came when the stream had begun, so that it has no status of its own.
fn refusal(body: &Value) -> ClientError {
    let text = |field: &str| body.get(field).and_then(Value::as_str).unwrap_or("unknown").to_owned();
    let code = text("code");
    let passes = ["store_unavailable", "shutting_down", "inbox_full", "too_many_connections", "rate_limited"];
    let status = if passes.contains(&code.as_str()) { 503 } else { 400 };
    ClientError::problem(status, &code, text("error"))
}
