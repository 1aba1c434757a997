//! The wiring: tasks are spawned here, connections accepted, everything stopped in order.

use crate::archiver::Archiver;
use crate::clock::Clock;
use crate::config::Config;
use crate::desk::Desk;
use crate::dispatcher::{Awake, Dispatcher, Stopped};
use crate::doors::{AtHand, Entrance};
use crate::feed::Feed;
use crate::keeper::Keeper;
use crate::limits;
use crate::office::{self, OpenError, Opening};
use axum::body::Body;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use store::{Store, StoreError};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::{JoinError, JoinHandle, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// A broker that decides and tells; give it a listener to make it answer.
pub struct Broker {
    entrance: Entrance,
    dispatcher: JoinHandle<Result<(), Stopped>>,
    stats: JoinHandle<()>,
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
        let opening = office::open(&store, config.rules()).await?;
        let Opening { office, feed, last_at, checkpoint } = opening;
        let (feed, clock) = (Arc::new(feed), Arc::new(Clock::starting_after(last_at)));
        let (inbox, asks) = mpsc::channel(limits::INBOX_ASKS_MAX);
        let (closing, deciding, kept) = (CancellationToken::new(), CancellationToken::new(), CancellationToken::new());
        let desk = Desk { inbox, feed, clock, store };
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
        };
        let dispatcher = tokio::spawn(dispatcher.run());
        let stats = tokio::spawn(tell_stats(Arc::clone(&desk.feed), Arc::clone(&desk.clock)));
        let mut keeping = JoinSet::new();
        keeping.spawn(archiver.run(kept.clone()));
        keeping.spawn(keeper.run(kept.clone()));
        let entrance = Entrance::to(AtHand { desk, config, started: Instant::now(), closing: closing.clone() });
        Ok(Broker { entrance, dispatcher, stats, keeping, kept, closing, deciding })
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
        let graceful = GracefulShutdown::new();
        let room = Arc::new(Semaphore::new(limits::CONNECTIONS_MAX));
        let ended = loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((socket, _)) => self.connect(socket, &room, &graceful),
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
        if tokio::time::timeout(limits::SHUTDOWN_WAIT, graceful.shutdown()).await.is_err() {
            tracing::warn!("some connections did not end in time and were cut");
        }
        self.stats.abort();
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

    fn connect(&self, socket: TcpStream, room: &Arc<Semaphore>, graceful: &GracefulShutdown) {
        let Ok(place) = Arc::clone(room).try_acquire_owned() else {
            tracing::warn!(max = limits::CONNECTIONS_MAX, "too many connections: one was closed");
            return;
        };
        // Frames are small and must not wait for one another; without it they are only late.
        let _ = socket.set_nodelay(true);
        let entrance = self.entrance.clone();
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let answer = entrance.clone().answer(request.map(Body::new));
            async { Ok::<_, Infallible>(answer.await) }
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits::HEAD_WAIT)
            .serve_connection(TokioIo::new(socket), service);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // Whatever a stranger sends ends at most their own connection.
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended badly");
            }
            drop(place);
        });
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
