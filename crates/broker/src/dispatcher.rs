//! The one task that decides. It takes what waits in the inbox, asks the ledger, writes what
//! was decided in one append, and only then answers and tells.

use crate::clock::Clock;
use crate::desk::{Ask, Decided, NotDecided};
use crate::feed::{Feed, Published};
use crate::limits;
use crate::office::{self, Office};
use fleet::{Answer, Command, Event, Refusal, Told};
use std::sync::Arc;
use store::{Batch, Blob, Journal, StoreError};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use wire::stored;

pub(crate) struct Dispatcher {
    pub(crate) inbox: mpsc::Receiver<Ask>,
    pub(crate) office: Office,
    pub(crate) store: Arc<dyn Journal>,
    pub(crate) feed: Arc<Feed>,
    pub(crate) clock: Arc<Clock>,
    pub(crate) shutdown: CancellationToken,
    /// For a ledger that is made anew.
    pub(crate) rules: fleet::Rules,
}

/// Why the dispatcher ended before it was told to.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// Another broker has the store now. Nothing of ours was written after it took over.
    #[error("{0}")]
    Fenced(String),
    /// The journal is not the one that was told from.
    #[error("the journal no longer holds what was told from it: {0}. Was a backup restored under a running broker?")]
    Rewound(String),
}

/// What one ask came to, before it is durable.
struct Verdict {
    outcome: Result<Answer, Refusal>,
    /// Which of the batch's events is its first.
    first: Option<usize>,
    reply: oneshot::Sender<Result<Decided, NotDecided>>,
}

/// A batch that is durable.
struct Written {
    first_seq: u64,
    /// Of the record, without its blobs.
    bytes: usize,
}

/// How a failure of the store passed.
#[derive(PartialEq, Eq)]
enum Weather {
    Fair,
    /// This broker was told to stop before the store was back.
    EndedFirst,
}

impl Dispatcher {
    /// Decides until it is told to stop and the inbox is empty, then checkpoints.
    pub(crate) async fn run(mut self) -> Result<(), Stopped> {
        self.office.ledger.resume(self.clock.now());
        while let Some(asks) = self.gather().await {
            let (told, blobs, verdicts) = self.decide(asks);
            match self.write(&told.events, &blobs).await {
                Ok(written) => self.tell(told, blobs, verdicts, &written),
                Err(error) => {
                    if self.recover(&error, verdicts).await? == Weather::EndedFirst {
                        tracing::warn!("stopped while the store was away; the next start finds what it holds");
                        return Ok(());
                    }
                }
            }
        }
        let at = self.feed.position();
        let checkpoint = office::checkpoint(&*self.store, &self.office.ledger, at);
        match tokio::time::timeout(limits::CHECKPOINT_WAIT, checkpoint).await {
            Ok(Ok(())) => tracing::info!(events = at.seq, "stopped deciding, checkpoint written"),
            Ok(Err(error)) => tracing::warn!(%error, "stopped without a checkpoint; the next start replays more"),
            Err(_) => tracing::warn!("stopped without a checkpoint, it took too long; the next start replays more"),
        }
        Ok(())
    }

    /// What is to be decided next: asks, or none when only time has passed. `None`: stop.
    async fn gather(&mut self) -> Option<Vec<Ask>> {
        let deadline = self.office.ledger.next_deadline().map(|at| self.clock.instant_of(at));
        let due = async {
            match deadline {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        let first = tokio::select! {
            biased;
            ask = self.inbox.recv() => Some(ask?),
            () = due => None,
            () = self.shutdown.cancelled() => {
                self.inbox.close();
                Some(self.inbox.recv().await?)
            }
        };
        let mut asks: Vec<Ask> = first.into_iter().collect();
        let mut bytes: usize = asks.iter().map(Ask::blob_bytes).sum();
        let mut commands: usize = asks.iter().map(Ask::commands).sum();
        while commands < limits::BATCH_ASKS_MAX && bytes < limits::BATCH_BLOB_BYTES_MAX {
            let Ok(ask) = self.inbox.try_recv() else { break };
            bytes += ask.blob_bytes();
            commands += ask.commands();
            asks.push(ask);
        }
        Some(asks)
    }

    fn decide(&mut self, asks: Vec<Ask>) -> (Told, Vec<Blob>, Vec<Verdict>) {
        let now = self.clock.now();
        let ledger = &mut self.office.ledger;
        let (mut told, mut blobs) = (Told::default(), Vec::new());
        if ledger.next_silence().is_some_and(|at| now.since(at) > limits::LATE_MS) {
            // We were away, not they: whoever should have been heard meanwhile is waited for again.
            tracing::warn!("deciding stood still; deadlines are moved");
            ledger.resume(now);
        }
        let mut verdicts = Vec::with_capacity(asks.len());
        for ask in asks {
            let before = told.events.len();
            let outcome = ledger.handle(ask.command, now, &mut told);
            let first = (told.events.len() > before).then_some(before);
            if first.is_some() {
                blobs.extend(ask.blobs);
            }
            verdicts.push(Verdict { outcome, first, reply: ask.reply });
        }
        // After the asks: a renewal that waited beside a deadline comes before it.
        if ledger.next_deadline().is_some_and(|at| at <= now) {
            // A tick is never refused.
            let _ = ledger.handle(Command::Tick, now, &mut told);
        }
        (told, blobs, verdicts)
    }

    /// Makes the events durable.
    async fn write(&mut self, events: &[Event], blobs: &[Blob]) -> Result<Written, StoreError> {
        let first_seq = self.office.tail.seq + 1;
        if events.is_empty() {
            return Ok(Written { first_seq, bytes: 0 });
        }
        let count = u32::try_from(events.len()).unwrap_or(u32::MAX);
        let batch = Batch { events: count, bytes: stored::encode(events), blobs: blobs.to_vec() };
        self.office.tail = self.store.append(self.office.epoch, self.office.tail, &batch).await?;
        Ok(Written { first_seq, bytes: batch.bytes.len() })
    }

    /// Everything is durable: the view sees it, watchers are told, askers answered.
    fn tell(&mut self, told: Told, blobs: Vec<Blob>, verdicts: Vec<Verdict>, written: &Written) {
        let (position, first_seq) = (self.office.tail, written.first_seq);
        if !told.events.is_empty() {
            self.feed.publish(Published::new(position, first_seq, told.events, written.bytes, blobs));
        }
        self.feed.pulse(told.pulses);
        for verdict in verdicts {
            let event = verdict.first.map(|index| wire::EventId {
                epoch: position.epoch,
                seq: first_seq + index as u64,
                hash: position.hash,
            });
            let decided = verdict.outcome.map(|answer| Decided { answer, event }).map_err(NotDecided::Refused);
            // The asker may have hung up; what was decided stands.
            let _ = verdict.reply.send(decided);
        }
    }

    /// The append failed, so the ledger knows more than the journal: it is thrown away. The
    /// store is opened again, and what it then holds is what happened.
    async fn recover(&mut self, error: &StoreError, verdicts: Vec<Verdict>) -> Result<Weather, Stopped> {
        let not_decided = match error {
            StoreError::Fenced { .. } => return Err(Stopped::Fenced(error.to_string())),
            StoreError::Rewound { .. } => return Err(Stopped::Rewound(error.to_string())),
            StoreError::Full { why } => NotDecided::StoreFull(why.clone()),
            _ => NotDecided::StoreUnavailable(error.to_string()),
        };
        tracing::error!(%error, "the store did not take a batch; deciding stops until it is back");
        self.feed.upstream(Some(error.to_string()), self.clock.now());
        for verdict in verdicts {
            let _ = verdict.reply.send(Err(not_decided.clone()));
        }
        let mut wait = limits::REOPEN_MIN;
        loop {
            self.refuse_for(wait, &not_decided).await;
            if self.shutdown.is_cancelled() {
                return Ok(Weather::EndedFirst);
            }
            match office::reopen(&self.store, &self.feed, self.rules).await {
                Ok(office) => {
                    self.office = office;
                    self.office.ledger.resume(self.clock.now());
                    self.feed.upstream(None, self.clock.now());
                    tracing::info!(epoch = self.office.epoch, "the store is back");
                    return Ok(Weather::Fair);
                }
                Err(office::OpenError::Store(error @ StoreError::Rewound { .. })) => {
                    return Err(Stopped::Rewound(error.to_string()));
                }
                Err(error) => tracing::warn!(%error, "the store is still away"),
            }
            wait = (wait * 2).min(limits::REOPEN_MAX);
        }
    }

    /// Answers every ask of the next `wait` with 503.
    async fn refuse_for(&mut self, wait: std::time::Duration, why: &NotDecided) {
        let until = tokio::time::sleep(wait);
        tokio::pin!(until);
        loop {
            tokio::select! {
                () = &mut until => return,
                () = self.shutdown.cancelled() => return,
                ask = self.inbox.recv() => match ask {
                    Some(ask) => { let _ = ask.reply.send(Err(why.clone())); }
                    None => return until.await,
                },
            }
        }
    }
}

impl Ask {
    /// As how many it counts.
    fn commands(&self) -> usize {
        match &self.command {
            Command::SubmitAll { specs } => specs.len(),
            _ => 1,
        }
    }

    fn blob_bytes(&self) -> usize {
        self.blobs.iter().map(|blob| blob.bytes.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::Desk;
    use fleet::{Beat, JobId, JoinWorker, LeaseId, MachineId, Next, SessionId, Status, Timestamp, WorkerId};
    use std::time::Duration;

    async fn desk() -> Desk {
        let store: Arc<dyn Journal> = Arc::new(store::MemoryJournal::new());
        let (office, feed) = office::open(&store, fleet::Rules::default()).await.unwrap();
        let (feed, clock) = (Arc::new(feed), Arc::new(Clock::starting_after(office.last_at)));
        let (inbox, asks) = mpsc::channel(limits::INBOX_ASKS_MAX);
        let dispatcher = Dispatcher {
            inbox: asks,
            office,
            store: Arc::clone(&store),
            feed: Arc::clone(&feed),
            clock: Arc::clone(&clock),
            shutdown: CancellationToken::new(),
            rules: fleet::Rules::default(),
        };
        tokio::spawn(dispatcher.run());
        Desk { inbox, feed, clock, store }
    }

    /// A job under a lease of a machine that beats.
    async fn running(desk: &Desk) -> (JobId, Beat) {
        let ask = async |command| desk.ask(command, Vec::new()).await.unwrap();
        let (machine, worker) = (MachineId::parse("m").unwrap(), WorkerId::parse("w").unwrap());
        let body = br#"{"job_id":"j","job_type":"hash"}"#;
        let job = JobId::parse("j").unwrap();
        let spec = wire::jobs::parse_submission(body, job.clone(), None, desk.now()).unwrap().spec;
        ask(Command::JoinMachine { machine: machine.clone(), facts: fleet::MachineFacts::default() }).await;
        let services = std::collections::BTreeSet::from([spec.requirements.service.clone()]);
        ask(Command::JoinWorker(JoinWorker {
            worker: worker.clone(),
            machine: machine.clone(),
            session: SessionId(1),
            slots: 1,
            capabilities: Arc::new(fleet::Capabilities { services, ..Default::default() }),
            loaded_models: std::collections::BTreeSet::new(),
            resume: Vec::new(),
        }))
        .await;
        ask(Command::Submit { spec: Arc::new(spec) }).await;
        let (lease, until) = (LeaseId(1), Timestamp::default());
        ask(Command::Next(Next { worker, session: SessionId(1), have: Vec::new(), lease, until, start: true })).await;
        (job, Beat { machine, phase: None, leases: vec![lease], workers: Vec::new(), services: Vec::new() })
    }

    fn status(desk: &Desk, job: &JobId) -> Status {
        desk.feed.view().ledger.job(job).unwrap().status()
    }

    #[tokio::test(start_paused = true)]
    async fn a_standstill_of_the_broker_costs_no_living_worker_its_lease() {
        let desk = desk().await;
        let (job, beat) = running(&desk).await;
        // All tasks are away for longer than a lease.
        tokio::time::advance(Duration::from_millis(9_500)).await;
        tokio::time::sleep(Duration::from_millis(1)).await;
        let decided = desk.ask(Command::Beat(beat), Vec::new()).await.unwrap();
        assert_eq!(decided.answer, Answer::Orders(fleet::Orders::default()), "nothing to stop");
        assert_eq!(status(&desk, &job), Status::InProgress);
    }

    #[tokio::test(start_paused = true)]
    async fn a_worker_that_stays_away_loses_its_lease_in_time() {
        let desk = desk().await;
        let (job, _) = running(&desk).await;
        tokio::time::sleep(Duration::from_millis(7_900)).await;
        assert_eq!(status(&desk, &job), Status::InProgress);
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(status(&desk, &job), Status::Pending);
    }
}
