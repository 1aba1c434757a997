//! Where doors ask. They hold no state and decide nothing; they ask, and wait until the
//! decision is durable.

use crate::clock::Clock;
use crate::contents::Attached;
use crate::feed::Feed;
use crate::limits;
use fleet::{Answer, Command, PrincipalId, Refusal, Timestamp};
use std::sync::Arc;
use store::{Room, Store, StoreError};
use tokio::sync::{mpsc, oneshot};
use wire::EventId;

/// Something to be decided.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) command: Command,
    /// Bytes that the command names; they are stored with what is decided.
    pub(crate) attached: Vec<Attached>,
    /// When the door began to ask: what it looked up in the archive for the command holds for so
    /// long after, and no longer.
    pub(crate) since: Timestamp,
    /// The administrator whose act it is; told of all that it leads to.
    pub(crate) by: Option<PrincipalId>,
    pub(crate) reply: oneshot::Sender<Result<Decided, NotDecided>>,
}

/// A decision: durable, told, and seen by the view.
#[derive(Clone, Debug)]
pub(crate) struct Decided {
    pub(crate) answer: Answer,
    /// The first event of this decision; `None` if nothing happened.
    pub(crate) event: Option<EventId>,
}

impl Decided {
    pub(crate) fn event_id(&self) -> Option<String> {
        self.event.map(|id| id.to_string())
    }
}

/// Why nothing was decided, or why nobody knows.
#[derive(Clone, Debug)]
pub(crate) enum NotDecided {
    Refused(Refusal),
    InboxFull,
    /// The store did not take it. It may or may not have happened; asking again tells.
    StoreUnavailable(String),
    StoreFull(String),
    /// It waited so long that what the door had looked up may no longer hold.
    WaitedTooLong,
    ShuttingDown,
}

/// What every door has in hand. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) inbox: mpsc::Sender<Ask>,
    pub(crate) feed: Arc<Feed>,
    pub(crate) clock: Arc<Clock>,
    pub(crate) store: Store,
}

impl Desk {
    /// Asks for a decision and waits until it is durable.
    pub(crate) async fn ask(&self, command: Command) -> Result<Decided, NotDecided> {
        self.ask_with(command, Vec::new(), self.now()).await
    }

    /// Asks for a decision that rests on what was looked up `since` then, and brings bytes along.
    pub(crate) async fn ask_with(
        &self,
        command: Command,
        attached: Vec<Attached>,
        since: Timestamp,
    ) -> Result<Decided, NotDecided> {
        self.ask_by(None, command, attached, since).await
    }

    /// The same, as an administrator's act.
    pub(crate) async fn ask_by(
        &self,
        by: Option<PrincipalId>,
        command: Command,
        attached: Vec<Attached>,
        since: Timestamp,
    ) -> Result<Decided, NotDecided> {
        self.put(by, command, attached, since)?.await.unwrap_or(Err(NotDecided::ShuttingDown))
    }

    /// Puts an ask into the inbox; asks put one after the other are decided in that order.
    pub(crate) fn submit(
        &self,
        command: Command,
        attached: Vec<Attached>,
        since: Timestamp,
    ) -> Result<oneshot::Receiver<Result<Decided, NotDecided>>, NotDecided> {
        self.put(None, command, attached, since)
    }

    fn put(
        &self,
        by: Option<PrincipalId>,
        command: Command,
        attached: Vec<Attached>,
        since: Timestamp,
    ) -> Result<oneshot::Receiver<Result<Decided, NotDecided>>, NotDecided> {
        let (reply, answer) = oneshot::channel();
        self.inbox.try_send(Ask { command, attached, since, by, reply }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => NotDecided::InboxFull,
            mpsc::error::TrySendError::Closed(_) => NotDecided::ShuttingDown,
        })?;
        Ok(answer)
    }

    /// # Errors
    /// There is room only for what must go on.
    pub(crate) fn check_room(&self) -> Result<(), NotDecided> {
        match self.store.journal.room() {
            Room::Enough => Ok(()),
            Room::Full(why) => Err(NotDecided::StoreFull(why)),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl From<StoreError> for NotDecided {
    fn from(error: StoreError) -> NotDecided {
        match error {
            StoreError::Full { why } => NotDecided::StoreFull(why),
            error => NotDecided::StoreUnavailable(error.to_string()),
        }
    }
}

impl NotDecided {
    /// How long to wait before asking again, in seconds; `None` if asking again is of no use.
    pub(crate) fn retry_after_s(&self) -> Option<u32> {
        match self {
            NotDecided::Refused(Refusal::TooManyClasses) => Some(30),
            NotDecided::Refused(_) => None,
            NotDecided::InboxFull
            | NotDecided::StoreUnavailable(_)
            | NotDecided::WaitedTooLong
            | NotDecided::ShuttingDown => Some(1),
            NotDecided::StoreFull(_) => Some(30),
        }
    }

    pub(crate) fn problem(&self) -> wire::Problem {
        match self {
            NotDecided::Refused(refusal) => refusal.into(),
            NotDecided::InboxFull => {
                let why = format!("{} requests wait to be decided, which is the limit", limits::INBOX_ASKS_MAX);
                wire::Problem::new(503, "inbox_full", why)
            }
            NotDecided::StoreUnavailable(why) => wire::Problem::new(503, "store_unavailable", why.as_str()),
            NotDecided::StoreFull(why) => wire::Problem::new(507, "store_full", why.as_str()),
            NotDecided::WaitedTooLong => {
                let why = format!("it was not decided within {} s", limits::ASK_AGE_MAX.as_secs());
                wire::Problem::new(503, "store_unavailable", why)
            }
            NotDecided::ShuttingDown => wire::Problem::new(503, "shutting_down", "this broker is shutting down"),
        }
    }
}
