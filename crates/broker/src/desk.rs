//! Where doors ask. They hold no state and decide nothing; they ask, and wait until the
//! decision is durable.

use crate::clock::Clock;
use crate::feed::Feed;
use crate::limits;
use bytes::Bytes;
use fleet::{Answer, Command, Refusal, Timestamp};
use std::sync::Arc;
use store::{Blob, Journal};
use tokio::sync::{mpsc, oneshot};
use wire::EventId;

/// Something to be decided.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) command: Command,
    /// Bytes that the command names; they are stored with what is decided.
    pub(crate) blobs: Vec<Blob>,
    pub(crate) reply: oneshot::Sender<Result<Decided, NotDecided>>,
}

/// A decision: durable, told, and seen by the view.
#[derive(Clone, Debug)]
pub(crate) struct Decided {
    pub(crate) answer: Answer,
    /// The first event of this decision; `None` if nothing happened.
    pub(crate) event: Option<EventId>,
}

/// Why nothing was decided, or why nobody knows.
#[derive(Clone, Debug)]
pub(crate) enum NotDecided {
    Refused(Refusal),
    InboxFull,
    /// The store did not take it. It may or may not have happened; asking again tells.
    StoreUnavailable(String),
    StoreFull(String),
    ShuttingDown,
}

/// What every door has in hand. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) inbox: mpsc::Sender<Ask>,
    pub(crate) feed: Arc<Feed>,
    pub(crate) clock: Arc<Clock>,
    pub(crate) store: Arc<dyn Journal>,
}

impl Desk {
    /// Asks for a decision and waits until it is durable.
    pub(crate) async fn ask(&self, command: Command, blobs: Vec<Blob>) -> Result<Decided, NotDecided> {
        self.submit(command, blobs)?.await.unwrap_or(Err(NotDecided::ShuttingDown))
    }

    /// Puts an ask into the inbox; asks put one after the other are decided in that order.
    pub(crate) fn submit(
        &self,
        command: Command,
        blobs: Vec<Blob>,
    ) -> Result<oneshot::Receiver<Result<Decided, NotDecided>>, NotDecided> {
        let (reply, answer) = oneshot::channel();
        self.inbox.try_send(Ask { command, blobs, reply }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => NotDecided::InboxFull,
            mpsc::error::TrySendError::Closed(_) => NotDecided::ShuttingDown,
        })?;
        Ok(answer)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The bytes of a payload or result.
    pub(crate) async fn content(&self, content: &fleet::Content) -> Result<Bytes, NotDecided> {
        let read = crate::feed::content(&*self.store, content).await;
        read.map_err(|error| NotDecided::StoreUnavailable(error.to_string()))
    }
}

impl NotDecided {
    /// How long to wait before asking again, in seconds; `None` if asking again is of no use.
    pub(crate) fn retry_after_s(&self) -> Option<u32> {
        match self {
            NotDecided::Refused(Refusal::TooManyClasses) => Some(30),
            NotDecided::Refused(_) => None,
            NotDecided::InboxFull | NotDecided::StoreUnavailable(_) | NotDecided::ShuttingDown => Some(1),
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
            NotDecided::ShuttingDown => wire::Problem::new(503, "shutting_down", "this broker is shutting down"),
        }
    }
}
