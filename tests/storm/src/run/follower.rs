//! A watcher of single jobs: one after the other, each to its end.

use super::http::Http;
use super::log::Log;
use super::sse::{self, Frame};
use super::stage::{Phase, Stage};
use crate::clock::{now_us, pause};
use crate::dice::Dice;
use crate::record::Heard;
use serde_json::Value;
use std::time::Duration;

/// Between two tries to connect, and between two jobs.
const AGAIN_AFTER: Duration = Duration::from_millis(20);
/// A quiet stream is told where it is every 15 s; a longer silence is a dead connection.
const PATIENCE: Duration = Duration::from_secs(25);
/// One ended stream in so many is asked for again, to be told that nothing is left.
const AGAIN_ONE_IN: u64 = 3;

pub(crate) struct Follower<'a> {
    pub(crate) stage: &'a Stage,
    pub(crate) log: &'a Log,
    pub(crate) dice: Dice,
}

/// One job as one watcher follows it.
#[derive(Default)]
struct Following {
    last_id: Option<String>,
    has_state: bool,
    has_ended: bool,
}

/// What became of a connection.
#[derive(PartialEq, Eq)]
enum Outcome {
    /// Go on after the last id.
    Lost,
    /// The broker said that this was all.
    Ended,
    /// There is nothing to go on with.
    Over,
}

impl Follower<'_> {
    pub(crate) fn run(mut self) {
        while !self.stage.is_past(Phase::Calm) {
            match self.stage.take_recent() {
                Some(job) => self.follow(&job),
                None => pause(AGAIN_AFTER),
            }
        }
    }

    fn follow(&mut self, job: &str) {
        self.log.put(&Heard::Follow { at: now_us(), job });
        let asks_again = self.dice.one_in(AGAIN_ONE_IN);
        let mut following = Following::default();
        while !self.stage.is_past(Phase::Unfollowed) && !self.stage.is_given_up() {
            match self.listen(job, &mut following).unwrap_or(Outcome::Lost) {
                Outcome::Over => return,
                Outcome::Ended if following.has_ended && !asks_again => return,
                Outcome::Ended | Outcome::Lost => pause(AGAIN_AFTER),
            }
        }
    }

    fn listen(&self, job: &str, following: &mut Following) -> anyhow::Result<Outcome> {
        let mut http = Http::new(self.stage.address, PATIENCE);
        let path = format!("/api/jobs/{job}/events");
        let (status, mut frames) = sse::open(&mut http, &path, following.last_id.as_deref())?;
        let at = now_us();
        match status {
            200 | 204 => self.log.put(&Heard::Opened { at, since: following.last_id.as_deref() }),
            503 => return Ok(Outcome::Lost),
            _ => {
                self.log.put(&Heard::Odd { at, what: &format!("was answered {status}") });
                return Ok(Outcome::Over);
            }
        }
        if status == 204 {
            self.log.put(&Heard::Nothing { at });
            return Ok(Outcome::Over);
        }
        while let Some(frame) = frames.next()? {
            self.hear(&frame, following);
            if self.stage.is_given_up() {
                return Ok(Outcome::Over);
            }
        }
        if following.has_ended {
            self.log.put(&Heard::Ended { at: now_us() });
        }
        Ok(Outcome::Ended)
    }

    fn hear(&self, frame: &Frame, following: &mut Following) {
        let at = now_us();
        let message = frame.data.as_deref().map(serde_json::from_str::<Value>);
        match (message, frame.id.as_deref()) {
            (Some(Ok(message)), id) => {
                let kind = message["type"].as_str().unwrap_or("?");
                following.has_ended |= kind == "complete_job";
                match id {
                    _ if kind == "resync" && message["reason"] == "expired" => {
                        self.log.put(&Heard::Lapsed { at });
                        following.has_state = false;
                        return;
                    }
                    _ if matches!(kind, "resync" | "error" | "?") => {
                        self.log.put(&Heard::Odd { at, what: &message.to_string() });
                    }
                    // Passing: it has no place in the story.
                    None => {}
                    Some(id) if following.has_state => {
                        let job = message["job_id"].as_str();
                        self.log.put(&Heard::Event { at, id, kind, job, detail: None });
                    }
                    Some(id) => self.log.put(&Heard::State { at, id, kind }),
                }
                following.has_state |= id.is_some();
            }
            (Some(Err(error)), _) => self.log.put(&Heard::Odd { at, what: &error.to_string() }),
            (None, _) => {}
        }
        if frame.id.is_some() {
            following.last_id.clone_from(&frame.id);
        }
    }
}
