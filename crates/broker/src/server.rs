//! The wiring: tasks are spawned here, connections accepted, everything stopped in order.

use crate::access::{Access, TokenError};
use crate::archiver::Archiver;
use crate::clock::Clock;
use crate::config::Config;
use crate::connections::Connections;
use crate::desk::Desk;
use crate::dispatcher::{Awake, Dispatcher, Stopped};
use crate::doors::{AtHand, Entrance};
use crate::embedded;
use crate::feed::Feed;
use crate::keeper::Keeper;
use crate::limits;
use crate::metrics::Metrics;
use crate::office::{self, OpenError, Opening};
use crate::seen::Seen;
use crate::socket::{Bounds, Front};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use store::{Store, StoreError};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// A broker that decides and tells; give it a listener to make it answer.
pub struct Broker {
    entrance: Entrance,
    feed: embedded::Feed,
    dispatcher: JoinHandle<Result<(), Stopped>>,
    stats: JoinHandle<()>,
    /// Writes down which clients were seen, and what tells it to stop.
    seen: JoinHandle<()>,
    seeing: CancellationToken,
    /// Wakes the watchers.
    beat: JoinHandle<()>,
    /// Those that work on the store beside the dispatcher, and what tells them to stop.
    keeping: JoinSet<()>,
    kept: CancellationToken,
    /// Streams and long polls end.
    closing: CancellationToken,
    /// The dispatcher ends once its inbox is empty.
    deciding: CancellationToken,
}

/// Why a broker did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// It starts once there is room.
    #[error("there is no room to open the store: {0}")]
    Full(String),
    #[error("the store cannot be opened: {0}")]
    Store(String),
    #[error(transparent)]
    Tokens(#[from] TokenError),
}

impl From<OpenError> for StartError {
    fn from(error: OpenError) -> StartError {
        match error {
            OpenError::Store(full @ StoreError::Full { .. }) => StartError::Full(full.to_string()),
            error => StartError::Store(error.to_string()),
        }
    }
}

impl Broker {
    /// Opens the store, replays it and begins to decide.
    ///
    /// # Errors
    /// The store cannot be opened or read.
    pub async fn start(store: Store, config: Config) -> Result<Broker, StartError> {
        let access = Arc::new(Access::open(&config)?);
        let opening = office::open(&store, config.rules()).await?;
        let Opening { office, feed, last_at, checkpoint } = opening;
        let (feed, clock) = (Arc::new(feed), Arc::new(Clock::starting_after(last_at)));
        let (inbox, asks) = mpsc::channel(limits::INBOX_ASKS_MAX);
        let (closing, deciding, kept) = (CancellationToken::new(), CancellationToken::new(), CancellationToken::new());
        let desk = Desk { inbox, feed, clock, store };
        let metrics = Arc::new(Metrics::new(desk.now()));
        let epoch = Arc::new(AtomicU64::new(office.epoch));
        let archiver = Archiver::open(desk.clone(), config.search).await.map_err(OpenError::from)?;
        let keeper = Keeper::new(desk.clone(), Arc::clone(&epoch), &config, checkpoint);
        let dispatcher = Dispatcher {
            inbox: asks,
            office,
            store: desk.store.clone(),
            feed: Arc::clone(&desk.feed),
            clock: Arc::clone(&desk.clock),
            shutdown: deciding.clone(),
            rules: config.rules(),
            epoch,
            encoder: wire::stored::Encoder::default(),
            awake: Awake::default(),
            metrics: Arc::clone(&metrics),
        };
        let dispatcher = tokio::spawn(dispatcher.run());
        let stats = tokio::spawn(tell_stats(Arc::clone(&desk.feed), Arc::clone(&desk.clock)));
        let time = Arc::clone(&desk.feed);
        let beat = tokio::spawn(async move { time.keep_time().await });
        let mut keeping = JoinSet::new();
        keeping.spawn(archiver.run(kept.clone()));
        keeping.spawn(keeper.run(kept.clone()));
        keeping.spawn(Arc::clone(&access).run(kept.clone()));
        let (connections, seen) = (Arc::<Connections>::default(), Arc::<Seen>::default());
        let seeing = CancellationToken::new();
        let noting = Arc::clone(&seen).run(desk.clone(), Arc::clone(&connections), seeing.clone());
        let noting = tokio::spawn(noting);
        let feed = embedded::Feed::of(&desk, &closing);
        let (started, closing_too) = (Instant::now(), closing.clone());
        let at_hand = AtHand { desk, config, access, connections, seen, metrics, started, closing: closing_too };
        let entrance = Entrance::to(at_hand);
        Ok(Broker { entrance, feed, dispatcher, stats, seen: noting, seeing, beat, keeping, kept, closing, deciding })
    }

    /// What is told, as values, for a service in the same process: take it before [`serve`](Self::serve),
    /// which does not give the broker back.
    #[must_use]
    pub fn feed(&self) -> embedded::Feed {
        self.feed.clone()
    }

    /// Answers on `listener` until `shutdown` is cancelled, then in order: stops accepting,
    /// lets streams say goodbye and requests end, decides what waits, writes a checkpoint.
    ///
    /// # Errors
    /// Deciding had to stop: the store belongs to another broker now, or lost its tail.
    ///
    /// # Panics
    /// The dispatcher panicked: that is a bug, and the process should end and replay.
    pub async fn serve(mut self, listener: TcpListener, shutdown: CancellationToken) -> Result<(), Stopped> {
        let front = Front::new(Bounds::default(), self.closing.clone());
        let ended = loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, from)) => {
                        let entrance = self.entrance.clone();
                        front.connect(stream, from, move |request| entrance.clone().answer(request));
                    }
                    // Out of file handles, most likely: others close meanwhile.
                    Err(error) => {
                        tracing::warn!(%error, "a connection could not be accepted");
                        tokio::time::sleep(limits::REOPEN_MIN).await;
                    }
                },
                () = shutdown.cancelled() => break None,
                ended = &mut self.dispatcher => break Some(ended),
                Some(ended) = self.keeping.join_next() => unwind(ended),
            }
        };
        drop(listener);
        self.closing.cancel();
        if tokio::time::timeout(limits::SHUTDOWN_WAIT, front.empty()).await.is_err() {
            tracing::warn!("some connections did not end in time and were cut");
        }
        self.stats.abort();
        self.beat.abort();
        self.seeing.cancel();
        if let Err(error) = self.seen.await {
            std::panic::resume_unwind(error.into_panic());
        }
        self.deciding.cancel();
        let ended = match ended {
            Some(ended) => ended,
            None => self.dispatcher.await,
        };
        // The last checkpoint: after the last decision.
        self.kept.cancel();
        while let Some(ended) = self.keeping.join_next().await {
            unwind(ended);
        }
        match ended {
            Ok(stopped) => stopped,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}

/// A panic in a long task is a bug: the process ends, and the next start replays.
fn unwind(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        std::panic::resume_unwind(error.into_panic());
    }
}

async fn tell_stats(feed: Arc<Feed>, clock: Arc<Clock>) {
    let mut every = tokio::time::interval(limits::STATS_EVERY);
    loop {
        every.tick().await;
        feed.tell_stats(clock.now());
    }
}
