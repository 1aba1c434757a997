//! Submits jobs at a steady pace, each until it is acknowledged.

use super::http::{Http, Reply};
use super::log::Log;
use super::stage::{Large, Phase, Stage};
use super::theatre::HOLDS_MAX;
use crate::clock::{now_us, pause, pause_until};
use crate::content::{self, Part};
use crate::dice::Dice;
use crate::record::{Ack, Refusal, Submission};
use anyhow::bail;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Between two tries to submit the same job.
const RETRY_EVERY: Duration = Duration::from_millis(20);
/// Between two tries when there is no room.
const FULL_RETRY_EVERY: Duration = Duration::from_millis(100);
/// A broker that does not answer a submission for so long counts as gone.
const PATIENCE: Duration = Duration::from_secs(25);
/// One acknowledged job in so many is submitted again on purpose.
const AGAIN_ONE_IN: u64 = 50;
/// One short job in so many has a large payload, and of those one in so many a very large one.
const LARGE_ONE_IN: u64 = 60;
const HUGE_ONE_IN: u64 = 10;
const LARGE_BYTES: [u64; 2] = [66 << 10, 200 << 10];
const HUGE_BYTES: u64 = 1 << 20;
/// A larger result would have to be an artifact.
const RESULT_BYTES_MAX: u64 = 240 << 10;
/// Of the short jobs one in so many may be followed.
const OFFERED_ONE_IN: u64 = 20;
const SHORT_MS: [u64; 2] = [20, 200];

/// When each job is due, whoever submits it. Being late does not move what follows: after an
/// outage the backlog is submitted as fast as it goes, so that the rate holds over all.
#[derive(Debug)]
pub(crate) struct Pace {
    pub(crate) begin: Instant,
    pub(crate) every: Duration,
    pub(crate) next: AtomicU64,
    /// How long a long job works, in milliseconds.
    long_ms: [u64; 2],
    /// When each long job that is thought to run will have worked.
    longs: Mutex<Vec<Instant>>,
}

impl Pace {
    pub(crate) fn new(per_second: u32, long_ms: [u64; 2]) -> Pace {
        let every = Duration::from_secs(1) / per_second.max(1);
        Pace { begin: Instant::now(), every, next: AtomicU64::new(0), long_ms, longs: Mutex::default() }
    }

    /// How long the next job works, in milliseconds, if it is a long one: about as many run at any
    /// time as there are places, whatever the rate is.
    fn next_long(&self, dice: &mut Dice) -> Option<u64> {
        let mut longs = self.longs.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        longs.retain(|end| *end > now);
        if longs.len() >= HOLDS_MAX {
            return None;
        }
        let [least, most] = self.long_ms;
        let work_ms = dice.between(least, most);
        longs.push(now + Duration::from_millis(work_ms));
        Some(work_ms)
    }
}

pub(crate) struct Submitter<'a> {
    pub(crate) stage: &'a Stage,
    pub(crate) pace: &'a Pace,
    pub(crate) submissions: &'a Log,
    pub(crate) acks: &'a Log,
    pub(crate) refusals: &'a Log,
}

impl Submitter<'_> {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let mut http = Http::new(self.stage.address, PATIENCE);
        loop {
            let number = self.pace.next.fetch_add(1, Ordering::Relaxed);
            let since = u32::try_from(number).unwrap_or(u32::MAX);
            pause_until(self.pace.begin + self.pace.every * since);
            if self.stage.is_past(Phase::Storm) {
                return Ok(());
            }
            self.submit(number, &mut http)?;
        }
    }

    fn submit(&self, number: u64, http: &mut Http) -> anyhow::Result<()> {
        let mut dice = Dice::new(self.stage.seed, number + 1);
        let long = self.pace.next_long(&mut dice);
        let is_long = long.is_some();
        let work_ms = long.unwrap_or_else(|| dice.between(SHORT_MS[0], SHORT_MS[1]));
        let service = if is_long { "hold" } else { "mark" };
        let job = format!("storm-{number}");
        let large = large(!is_long && dice.one_in(LARGE_ONE_IN), &mut dice);
        let text = content::text(&job, Part::Payload, large.payload);
        let payload = json!({ "work_ms": work_ms, "bytes": large.payload, "text": text, "result_bytes": large.result });
        let body = json!({ "service_required": service, "job_id": job, "payload": payload }).to_string();
        self.submissions.put(&Submission { at: now_us(), job: &job, bytes: large.payload });
        self.until_acknowledged(&job, &body, http)?;
        self.stage.acknowledged.fetch_add(1, Ordering::Relaxed);
        if dice.one_in(AGAIN_ONE_IN) {
            self.until_acknowledged(&job, &body, http)?;
        }
        if large.payload > 0 {
            self.stage.remember_large(job.clone(), large);
        }
        if is_long {
            self.stage.offer_long(job.clone());
        }
        if is_long || large.payload > 0 || dice.one_in(OFFERED_ONE_IN) {
            self.stage.offer(job);
        }
        Ok(())
    }

    fn until_acknowledged(&self, job: &str, body: &str, http: &mut Http) -> anyhow::Result<()> {
        let mut tries = 0;
        while !self.stage.is_past(Phase::Unfollowed) {
            tries += 1;
            self.stage.in_flight.fetch_add(1, Ordering::Relaxed);
            let reply = http.call("POST", "/api/jobs", body);
            self.stage.in_flight.fetch_sub(1, Ordering::Relaxed);
            // Whatever went wrong with the connection: the same again is what a client does.
            let pause_for = match reply {
                Ok(reply) if matches!(reply.status, 503 | 507) => self.refused(job, &reply),
                Ok(reply) => return self.acknowledged(job, &reply, tries),
                Err(_) => RETRY_EVERY,
            };
            pause(pause_for);
        }
        Ok(())
    }

    fn refused(&self, job: &str, reply: &Reply) -> Duration {
        let answer: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        let code = answer["code"].as_str().unwrap_or("?");
        self.refusals.put(&Refusal { at: now_us(), job, status: reply.status, code });
        if reply.status == 503 {
            return RETRY_EVERY;
        }
        self.stage.refused.fetch_add(1, Ordering::Relaxed);
        FULL_RETRY_EVERY
    }

    fn acknowledged(&self, job: &str, reply: &Reply, tries: u32) -> anyhow::Result<()> {
        let Value::Object(answer) = reply.json()? else { bail!("{job}: the answer is no object") };
        if answer.get("job_id").and_then(Value::as_str) != Some(job) {
            bail!("{job}: the answer is about another job: {answer:?}");
        }
        let duplicate = answer.get("duplicate").and_then(Value::as_bool).unwrap_or(false);
        let event = answer.get("event_id").and_then(Value::as_str);
        self.acks.put(&Ack { at: now_us(), job, event, duplicate, tries });
        Ok(())
    }
}

fn large(is_large: bool, dice: &mut Dice) -> Large {
    if !is_large {
        return Large { payload: 0, result: 0 };
    }
    let [least, most] = LARGE_BYTES;
    let payload = if dice.one_in(HUGE_ONE_IN) { HUGE_BYTES } else { dice.between(least, most) };
    let result = dice.between(least, RESULT_BYTES_MAX);
    Large { payload: payload as usize, result: result as usize }
}
