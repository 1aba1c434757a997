//! The wiring: tasks are spawned here, connections accepted, everything stopped in order.

use crate::clock::Clock;
use crate::config::Config;
use crate::desk::Desk;
use crate::dispatcher::{Dispatcher, Stopped};
use crate::doors::{self, Doors};
use crate::feed::Feed;
use crate::{limits, office};
use axum::Router;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::sync::Arc;
use store::Journal;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// A broker that decides and tells; give it a listener to make it answer.
pub struct Broker {
    router: Router,
    dispatcher: JoinHandle<Result<(), Stopped>>,
    stats: JoinHandle<()>,
    /// Streams and long polls end.
    closing: CancellationToken,
    /// The dispatcher ends once its inbox is empty.
    deciding: CancellationToken,
}

/// Why a broker did not start.
#[derive(Debug, thiserror::Error)]
#[error("the store cannot be opened: {0}")]
pub struct StartError(String);

impl Broker {
    /// Opens the store, replays it and begins to decide.
    ///
    /// # Errors
    /// The store cannot be opened or read.
    pub async fn start(store: Arc<dyn Journal>, config: Config) -> Result<Broker, StartError> {
        let (office, feed) =
            office::open(&store, config.rules()).await.map_err(|error| StartError(error.to_string()))?;
        let (feed, clock) = (Arc::new(feed), Arc::new(Clock::starting_after(office.last_at)));
        let (inbox, asks) = mpsc::channel(limits::INBOX_ASKS_MAX);
        let (closing, deciding) = (CancellationToken::new(), CancellationToken::new());
        let dispatcher = Dispatcher {
            inbox: asks,
            office,
            store: Arc::clone(&store),
            feed: Arc::clone(&feed),
            clock: Arc::clone(&clock),
            shutdown: deciding.clone(),
            rules: config.rules(),
        };
        let dispatcher = tokio::spawn(dispatcher.run());
        let stats = tokio::spawn(tell_stats(Arc::clone(&feed), Arc::clone(&clock)));
        let desk = Desk { inbox, feed, clock, store };
        let doors = Doors { desk, config: Arc::new(config), started: Instant::now(), closing: closing.clone() };
        Ok(Broker { router: doors::router(doors), dispatcher, stats, closing, deciding })
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
        let service = TowerToHyperService::new(self.router.clone());
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

async fn tell_stats(feed: Arc<Feed>, clock: Arc<Clock>) {
    let mut every = tokio::time::interval(limits::STATS_EVERY);
    loop {
        every.tick().await;
        feed.tell_stats(clock.now());
    }
}
