//! A watcher of everything, who comes back after each loss with the last id it has.

use super::http::Http;
use super::log::Log;
use super::sse::{self, Frame};
use super::stage::{Phase, Stage};
use crate::clock::{now_us, pause};
use crate::dice::Dice;
use crate::record::{Heard, position};
use serde_json::Value;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Between two tries to connect.
const AGAIN_AFTER: Duration = Duration::from_millis(20);
/// A quiet stream is told where it is every 15 s; a longer silence is a dead connection.
const PATIENCE: Duration = Duration::from_secs(25);
/// A restless watcher hangs up after so many events, evenly spread.
const RESTLESS_EVENTS_MAX: u64 = 4_000;

/// Where a watcher is, for whoever waits for it: the number of its last event and one more.
#[derive(Debug, Default)]
pub(crate) struct Reached(AtomicU64);

impl Reached {
    /// `None`: it was told nothing yet.
    pub(crate) fn seq(&self) -> Option<u64> {
        self.0.load(Ordering::Relaxed).checked_sub(1)
    }
}

pub(crate) struct Monitor<'a> {
    pub(crate) stage: &'a Stage,
    pub(crate) log: &'a Log,
    pub(crate) reached: &'a Reached,
    /// Hangs up now and then; without it only the broker ends a connection.
    pub(crate) restless: Option<Dice>,
    pub(crate) last_id: Option<String>,
}

impl Monitor<'_> {
    pub(crate) fn run(mut self) {
        while !self.stage.is_past(Phase::Unfollowed) {
            // A lost connection is what a storm is about: the next one goes on after the last id.
            let _ = self.listen();
            pause(AGAIN_AFTER);
        }
    }

    fn listen(&mut self) -> anyhow::Result<()> {
        let mut http = Http::new(self.stage.address, PATIENCE);
        let (status, mut frames) = sse::open(&mut http, "/api/events/monitor", self.last_id.as_deref())?;
        match status {
            200 => self.log.put(&Heard::Opened { at: now_us(), since: self.last_id.as_deref() }),
            503 => return Ok(()),
            _ => {
                self.log.put(&Heard::Odd { at: now_us(), what: &format!("was answered {status}") });
                return Ok(());
            }
        }
        let mut left = self.restless.as_mut().map(|dice| dice.between(1, RESTLESS_EVENTS_MAX));
        while let Some(frame) = frames.next()? {
            self.hear(&frame);
            if let Some(left) = &mut left {
                *left -= 1;
                if *left == 0 {
                    break;
                }
            }
        }
        Ok(())
    }

    fn hear(&mut self, frame: &Frame) {
        let at = now_us();
        if let Some(data) = &frame.data {
            match serde_json::from_str::<Value>(data) {
                Ok(message) => self.note(at, frame.id.as_deref(), &message),
                Err(error) => self.log.put(&Heard::Odd { at, what: &format!("{error}: {data}") }),
            }
        }
        if let Some(id) = &frame.id {
            if let Some(at) = position(id) {
                self.reached.0.store(at.seq + 1, Ordering::Relaxed);
            }
            self.last_id = Some(id.clone());
        }
    }

    fn note(&self, at: u64, id: Option<&str>, message: &Value) {
        let text = |field: &str| message[field].as_str();
        let kind = text("type").unwrap_or("?");
        match (id, text("event_id")) {
            _ if matches!(kind, "resync" | "error" | "?") => {
                self.log.put(&Heard::Odd { at, what: &message.to_string() });
            }
            // Passing: it has no place in the history.
            (None, None) => {}
            (Some(id), Some(event)) if id == event => match kind {
                "full_state_snapshot" => self.log.put(&Heard::State { at, id, kind }),
                _ => {
                    let detail = detail(kind, message);
                    let (job, detail) = (text("job_id"), detail.as_deref());
                    self.log.put(&Heard::Event { at, id, kind, job, detail });
                }
            },
            (id, event) => {
                let what = format!("{kind} has the id {id:?} outside and {event:?} inside");
                self.log.put(&Heard::Odd { at, what: &what });
            }
        }
    }
}

/// What the checker wants to know beside the kind: where a status went, to whom a job, whose result
/// it is, why a job failed.
fn detail(kind: &str, message: &Value) -> Option<String> {
    match kind {
        "job_status_changed" => {
            let status = message["new_status"].as_str()?;
            let reason = message["reason"].as_str().map(|reason| format!(":{reason}")).unwrap_or_default();
            Some(format!("{status}{reason}"))
        }
        "job_assigned" => message["worker_id"].as_str().map(str::to_owned),
        // A large one is not told.
        "complete_job" => {
            let result = message.get("result")?;
            Some(format!("{}@{}", result["job"].as_str().unwrap_or("?"), result["pid"]))
        }
        "job_failed" if message["cancelled"] == true => Some("cancelled".to_owned()),
        "job_failed" => Some(message["failure"]["reason"].as_str().unwrap_or("?").to_owned()),
        _ => None,
    }
}
