//! Submits jobs at a steady pace, each until it is acknowledged.

use super::http::{Http, Reply};
use super::log::Log;
use super::stage::{Phase, Stage};
use crate::clock::{now_us, pause, pause_until};
use crate::dice::Dice;
use crate::record::{Ack, Submission};
use anyhow::bail;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Between two tries to submit the same job.
const RETRY_EVERY: Duration = Duration::from_millis(20);
/// A broker that does not answer a submission for so long counts as gone.
const PATIENCE: Duration = Duration::from_secs(10);
/// One acknowledged job in so many is submitted again on purpose.
const AGAIN_ONE_IN: u64 = 50;
/// One job in so many works long enough to outlive a broker or two.
const LONG_ONE_IN: u64 = 30;
/// Of the others one in so many may be followed.
const OFFERED_ONE_IN: u64 = 10;

/// When each job is due, whoever submits it. Being late does not move what follows: after an
/// outage the backlog is submitted as fast as it goes, so that the rate holds over all.
#[derive(Debug)]
pub(crate) struct Pace {
    pub(crate) begin: Instant,
    pub(crate) every: Duration,
    pub(crate) next: AtomicU64,
}

pub(crate) struct Submitter<'a> {
    pub(crate) stage: &'a Stage,
    pub(crate) pace: &'a Pace,
    pub(crate) submissions: &'a Log,
    pub(crate) acks: &'a Log,
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
        let is_long = dice.one_in(LONG_ONE_IN);
        let work_ms = if is_long { dice.between(1_500, 4_000) } else { dice.between(20, 200) };
        let job = format!("storm-{number}");
        let body = json!({ "service_required": "mark", "job_id": job, "payload": { "work_ms": work_ms } }).to_string();
        self.submissions.put(&Submission { at: now_us(), job: &job });
        self.until_acknowledged(&job, &body, http)?;
        self.stage.acknowledged.fetch_add(1, Ordering::Relaxed);
        if dice.one_in(AGAIN_ONE_IN) {
            self.until_acknowledged(&job, &body, http)?;
        }
        if is_long || dice.one_in(OFFERED_ONE_IN) {
            self.stage.offer(job);
        }
        Ok(())
    }

    fn until_acknowledged(&self, job: &str, body: &str, http: &mut Http) -> anyhow::Result<()> {
        let mut tries = 0;
        while !self.stage.is_past(Phase::Unfollowed) {
            tries += 1;
            // Whatever went wrong with the connection: the same again is what a client does.
            if let Ok(reply) = http.call("POST", "/api/jobs", body)
                && self.is_acknowledged(job, &reply, tries)?
            {
                return Ok(());
            }
            pause(RETRY_EVERY);
        }
        Ok(())
    }

    fn is_acknowledged(&self, job: &str, reply: &Reply, tries: u32) -> anyhow::Result<bool> {
        if reply.status == 503 {
            return Ok(false);
        }
        let Value::Object(answer) = reply.json()? else { bail!("{job}: the answer is no object") };
        if answer.get("job_id").and_then(Value::as_str) != Some(job) {
            bail!("{job}: the answer is about another job: {answer:?}");
        }
        let duplicate = answer.get("duplicate").and_then(Value::as_bool).unwrap_or(false);
        let event = answer.get("event_id").and_then(Value::as_str);
        self.acks.put(&Ack { at: now_us(), job, event, duplicate, tries });
        Ok(true)
    }
}
