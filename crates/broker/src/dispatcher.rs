//! The one task that decides. It takes what waits in the inbox, asks the ledger, writes what
//! was decided in one append, and only then answers and tells.

use crate::clock::Clock;
use crate::contents::{self, Attached};
use crate::desk::{Ask, Decided, NotDecided};
use crate::feed::{Feed, Published};
use crate::limits;
use crate::metrics::Metrics;
use crate::office::{self, Office};
use fleet::{Answer, Command, Refusal, Timestamp, Told};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use store::{Batch, Content, Room, Store, StoreError};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wire::stored;

pub(crate) struct Dispatcher {
    pub(crate) inbox: mpsc::Receiver<Ask>,
    pub(crate) office: Office,
    pub(crate) store: Store,
    pub(crate) feed: Arc<Feed>,
    pub(crate) clock: Arc<Clock>,
    pub(crate) shutdown: CancellationToken,
    /// For a ledger that is made anew.
    pub(crate) rules: fleet::Rules,
    /// The term in which it writes, for those who write beside it.
    pub(crate) epoch: Arc<AtomicU64>,
    pub(crate) encoder: stored::Encoder,
    pub(crate) awake: Awake,
    pub(crate) metrics: Arc<Metrics>,
}

/// Notices that this task was away although it had asked to be woken: the process was stopped, or
/// given no time. An append that takes long is no such thing; what is asked meanwhile is heard.
pub(crate) struct Awake {
    seen: Instant,
    was_away: bool,
}

impl Default for Awake {
    fn default() -> Awake {
        Awake { seen: Instant::now(), was_away: false }
    }
}

impl Awake {
    fn look(&mut self) {
        let now = Instant::now();
        self.was_away |= now.duration_since(self.seen) > limits::AWAKE_EVERY + limits::AWAY_MIN;
        self.seen = now;
    }

    async fn until<T>(&mut self, done: impl Future<Output = T>) -> T {
        tokio::pin!(done);
        loop {
            tokio::select! {
                done = &mut done => return done,
                () = tokio::time::sleep(limits::AWAKE_EVERY) => self.look(),
            }
        }
    }
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

/// What was decided, before it is durable.
#[derive(Default)]
struct Decisions {
    told: Told,
    contents: Vec<Content>,
    attached: Vec<Attached>,
    verdicts: Vec<Verdict>,
}

impl Dispatcher {
    /// Decides until it is told to stop and the inbox is empty.
    pub(crate) async fn run(mut self) -> Result<(), Stopped> {
        self.office.ledger.resume(self.clock.now());
        while let Some(asks) = self.gather().await {
            let mut decisions = self.decide(asks);
            match self.write(&mut decisions).await {
                Ok(written) => self.tell(decisions, &written),
                Err(error) => {
                    if self.recover(error, decisions.verdicts).await? == Weather::EndedFirst {
                        tracing::warn!("stopped while the store was away; the next start finds what it holds");
                        return Ok(());
                    }
                }
            }
        }
        tracing::info!(events = self.office.tail.seq, "stopped deciding");
        Ok(())
    }

    /// What is to be decided next: asks, or none when only time has passed. `None`: stop.
    async fn gather(&mut self) -> Option<Vec<Ask>> {
        let deadline = self.office.ledger.next_deadline().map(|at| self.clock.instant_of(at));
        let look = Instant::now() + limits::AWAKE_EVERY;
        let due = tokio::time::sleep_until(deadline.map_or(look, |at| at.min(look)));
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
        let mut bytes: usize = asks.iter().map(Ask::attached_bytes).sum();
        let mut commands: usize = asks.iter().map(Ask::commands).sum();
        while commands < limits::BATCH_ASKS_MAX && bytes < limits::BATCH_BYTES_MAX {
            let Ok(ask) = self.inbox.try_recv() else { break };
            bytes += ask.attached_bytes();
            commands += ask.commands();
            asks.push(ask);
        }
        Some(asks)
    }

    fn decide(&mut self, asks: Vec<Ask>) -> Decisions {
        let now = self.clock.now();
        let full = match self.store.journal.room() {
            Room::Enough => None,
            Room::Full(why) => Some(why),
        };
        let ledger = &mut self.office.ledger;
        self.awake.look();
        let was_away = std::mem::take(&mut self.awake.was_away);
        if was_away || ledger.next_silence().is_some_and(|at| now.since(at) > limits::LATE_MS) {
            // We were away, not they: whoever should have been heard meanwhile is waited for again.
            tracing::warn!("deciding stood still; deadlines are moved");
            ledger.resume(now);
        }
        let mut made = Decisions::default();
        for ask in asks {
            if let Err(not) = ask.may_be_decided(now, full.as_deref()) {
                // The asker may have hung up.
                let _ = ask.reply.send(Err(not));
                continue;
            }
            let before = made.told.events.len();
            let outcome = ledger.handle(ask.command, now, &mut made.told);
            if ask.by.is_some() {
                made.told.events[before..].iter_mut().for_each(|event| event.by.clone_from(&ask.by));
            }
            let events = &made.told.events[before..];
            let first = (!events.is_empty()).then_some(before);
            if first.is_some() && !ask.attached.is_empty() {
                made.contents.extend(contents::named(events, &ask.attached, ledger));
                made.attached.extend(ask.attached);
            }
            made.verdicts.push(Verdict { outcome, first, reply: ask.reply });
        }
        self.metrics.decided(made.verdicts.len());
        // After the asks: a renewal that waited beside a deadline comes before it.
        if ledger.next_deadline().is_some_and(|at| at <= now) {
            // A tick is never refused.
            let _ = ledger.handle(Command::Tick, now, &mut made.told);
        }
        made
    }

    /// Makes the events durable. On a full disk they wait, and who asked is told that nobody knows:
    /// the ledger is ahead of the journal by just this batch, and goes on when that is written.
    async fn write(&mut self, made: &mut Decisions) -> Result<Written, StoreError> {
        let first_seq = self.office.tail.seq + 1;
        let events = &made.told.events;
        let Some(last) = events.last() else { return Ok(Written { first_seq, bytes: 0 }) };
        let count = u32::try_from(events.len()).unwrap_or(u32::MAX);
        let bytes = self.encoder.encode(events);
        let written = Written { first_seq, bytes: bytes.len() };
        let batch = Batch { events: count, at: last.at.0, bytes, contents: made.contents.clone() };
        let (journal, mut wait) = (Arc::clone(&self.store.journal), limits::REOPEN_MIN);
        let mut stood = false;
        loop {
            let began = Instant::now();
            let append = journal.append(self.office.epoch, self.office.tail, &batch);
            match self.awake.until(append).await {
                Err(full @ StoreError::Full { .. }) if !self.shutdown.is_cancelled() => {
                    if !std::mem::replace(&mut stood, true) {
                        tracing::error!(error = %full, "there is no room for a batch; deciding stops until there is");
                        self.feed.upstream(Some(full.to_string()), self.clock.now());
                    }
                    refuse(&mut made.verdicts, &full);
                    self.refuse_for(wait, &full).await;
                    wait = (wait * 2).min(limits::ROOM_MAX);
                }
                outcome => {
                    self.office.tail = outcome?;
                    self.metrics.appended(began.elapsed());
                    if stood {
                        // Whoever would have kept a lease meanwhile was not heard.
                        self.office.ledger.resume(self.clock.now());
                        self.feed.upstream(None, self.clock.now());
                        tracing::info!("there was room for the batch; deciding goes on");
                    }
                    return Ok(written);
                }
            }
        }
    }

    /// Everything is durable: the view sees it, watchers are told, askers answered.
    fn tell(&mut self, made: Decisions, written: &Written) {
        let (position, first_seq) = (self.office.tail, written.first_seq);
        self.feed.recent().put(made.contents);
        if !made.told.events.is_empty() {
            let rows = self.office.ledger.rows_of(&made.told.events);
            let published = Published::new(position, first_seq, made.told.events, written.bytes, made.attached);
            self.feed.publish(published, &rows);
        }
        self.feed.pulse(made.told.pulses);
        for verdict in made.verdicts {
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
    async fn recover(&mut self, error: StoreError, mut verdicts: Vec<Verdict>) -> Result<Weather, Stopped> {
        match error {
            StoreError::Fenced { .. } => return Err(Stopped::Fenced(error.to_string())),
            StoreError::Rewound { .. } => return Err(Stopped::Rewound(error.to_string())),
            _ => {}
        }
        tracing::error!(%error, "the store did not take a batch; deciding stops until it is back");
        self.feed.upstream(Some(error.to_string()), self.clock.now());
        refuse(&mut verdicts, &error);
        let mut error = error;
        let mut wait = limits::REOPEN_MIN;
        loop {
            self.refuse_for(wait, &error).await;
            if self.shutdown.is_cancelled() {
                return Ok(Weather::EndedFirst);
            }
            match office::reopen(&self.store, &self.feed, self.rules).await {
                Ok(office) => {
                    self.epoch.store(office.epoch, Ordering::SeqCst);
                    self.office = office;
                    self.office.ledger.resume(self.clock.now());
                    self.feed.upstream(None, self.clock.now());
                    tracing::info!(epoch = self.office.epoch, "the store is back");
                    return Ok(Weather::Fair);
                }
                Err(office::OpenError::Store(error @ StoreError::Rewound { .. })) => {
                    return Err(Stopped::Rewound(error.to_string()));
                }
                Err(away) => {
                    tracing::warn!(error = %away, "the store is still away");
                    if let office::OpenError::Store(away) = away {
                        error = away;
                    }
                }
            }
            let is_full = matches!(error, StoreError::Full { .. });
            wait = (wait * 2).min(if is_full { limits::ROOM_MAX } else { limits::REOPEN_MAX });
        }
    }

    /// Refuses every ask of the next `wait`.
    async fn refuse_for(&mut self, wait: Duration, why: &StoreError) {
        let until = tokio::time::sleep(wait);
        tokio::pin!(until);
        loop {
            tokio::select! {
                () = &mut until => return,
                () = self.shutdown.cancelled() => return,
                ask = self.inbox.recv() => match ask {
                    Some(ask) => ask.refuse(why),
                    None => return until.await,
                },
            }
        }
    }
}

/// Nobody knows whether it happens: it was decided and is not durable.
fn refuse(verdicts: &mut Vec<Verdict>, why: &StoreError) {
    for verdict in verdicts.drain(..) {
        // The asker may have hung up.
        let _ = verdict.reply.send(Err(NotDecided::StoreUnavailable(why.to_string())));
    }
}

impl Ask {
    /// It was not looked at. Who keeps a lease alive asks again soon; who brings work waits longer
    /// while the disk is full.
    fn refuse(self, why: &StoreError) {
        let not = match why {
            StoreError::Full { why } if self.takes_in_work() => NotDecided::StoreFull(why.clone()),
            why => NotDecided::StoreUnavailable(why.to_string()),
        };
        let _ = self.reply.send(Err(not));
    }

    fn takes_in_work(&self) -> bool {
        matches!(self.command, Command::Submit { .. } | Command::SubmitAll { .. })
    }

    /// Jobs are taken in only while there is room for more than what must go on, and only while
    /// what their door knows of the archive still holds.
    fn may_be_decided(&self, now: Timestamp, full: Option<&str>) -> Result<(), NotDecided> {
        if !self.takes_in_work() {
            return Ok(());
        }
        if let Some(why) = full {
            return Err(NotDecided::StoreFull(why.to_owned()));
        }
        let age = Duration::from_millis(now.since(self.since));
        if age > limits::ASK_AGE_MAX { Err(NotDecided::WaitedTooLong) } else { Ok(()) }
    }

    /// As how many it counts.
    fn commands(&self) -> usize {
        match &self.command {
            Command::SubmitAll { specs } => specs.len(),
            _ => 1,
        }
    }

    fn attached_bytes(&self) -> usize {
        self.attached.iter().map(|attached| attached.bytes.len()).sum()
    }
}

#[cfg(test)]
mod tests;
