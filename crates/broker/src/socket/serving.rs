//! From an accepted socket to a served connection.

use super::accepted::{Accepted, Full, Places};
use crate::access::Peer;
use crate::limits;
use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::SockRef;
use std::convert::Infallible;
use std::future::Future;
use std::net::{Shutdown, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use wire::Problem;

/// What a connection may take. Tests have shorter ones.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) connections_max: usize,
    pub(crate) connections_per_address_max: usize,
    pub(crate) head_wait: Duration,
    pub(crate) stall_wait: Duration,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds {
            connections_max: limits::CONNECTIONS_MAX,
            connections_per_address_max: limits::CONNECTIONS_PER_ADDRESS_MAX,
            head_wait: limits::HEAD_WAIT,
            stall_wait: limits::STALL_WAIT,
        }
    }
}

/// Where connections come in.
#[derive(Debug)]
pub(crate) struct Front {
    bounds: Bounds,
    places: Arc<Places>,
    /// So many may be told at once that there is no place.
    refusals: Arc<Semaphore>,
    /// Idle connections end, the others after their request.
    closing: CancellationToken,
}

impl Front {
    pub(crate) fn new(bounds: Bounds, closing: CancellationToken) -> Front {
        let refusals = Arc::new(Semaphore::new(limits::REFUSALS_MAX));
        Front { bounds, places: Arc::new(Places::new(&bounds)), refusals, closing }
    }

    /// Serves the connection, in a task of its own.
    pub(crate) fn connect<F, A>(&self, stream: TcpStream, from: SocketAddr, answer: F)
    where
        F: Fn(Request<Body>) -> A + Send + 'static,
        A: Future<Output = Response<Body>> + Send + 'static,
    {
        let place = match self.places.take(from.ip(), &self.bounds) {
            Ok(place) => place,
            Err(full) => return self.refuse(stream, from, full),
        };
        let peer = Peer(from.ip().to_canonical());
        let service = service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(peer);
            let answer = answer(request);
            async { Ok::<_, Infallible>(answer.await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.bounds.head_wait)
            .max_buf_size(limits::HTTP_BUFFER_BYTES_MAX)
            .serve_connection(TokioIo::new(Accepted::new(stream, place, &self.bounds)), service)
            .with_upgrades();
        let closing = self.closing.clone();
        tokio::spawn(async move {
            let mut connection = pin!(connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = closing.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            // Whatever a stranger sends ends at most their own connection.
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended badly");
            }
        });
    }

    /// Until all connections have ended, WebSockets too.
    pub(crate) async fn empty(&self) {
        self.places.empty(&self.bounds).await;
    }

    /// Says why, if there are not too many to be told.
    fn refuse(&self, stream: TcpStream, from: SocketAddr, full: Full) {
        tracing::warn!(address = %from.ip(), "a connection was refused: {full}");
        let Ok(turn) = Arc::clone(&self.refusals).try_acquire_owned() else { return };
        tokio::spawn(async move {
            let _ = tokio::time::timeout(limits::REFUSAL_WAIT, say_no(&stream, full)).await;
            drop(turn);
        });
    }
}

/// An answer is read by those who have asked, and is lost if the connection closes before their bytes are read.
async fn say_no(stream: &TcpStream, full: Full) -> std::io::Result<()> {
    stream.peek(&mut [0]).await?;
    // It is the first thing that is written, and fits.
    stream.try_write(&refusal(full))?;
    until_closed(stream).await
}

fn refusal(full: Full) -> Vec<u8> {
    let body = Problem::new(503, "too_many_connections", full.to_string()).json();
    let (len, retry) = (body.len(), limits::REFUSED_RETRY_S);
    let head = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\nConnection: close";
    format!("{head}\r\nRetry-After: {retry}\r\nContent-Length: {len}\r\n\r\n{body}").into_bytes()
}

/// Says that nothing more comes, and reads until the other side says so too: closing with bytes unread would
/// take back what was sent last.
pub(super) async fn until_closed(stream: &TcpStream) -> std::io::Result<()> {
    SockRef::from(stream).shutdown(Shutdown::Write)?;
    loop {
        stream.readable().await?;
        match read_some(stream, |_| ()) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

/// Reads what is there into a buffer that is gone afterwards.
pub(super) fn read_some(stream: &TcpStream, with: impl FnOnce(&[u8])) -> std::io::Result<usize> {
    let mut buffer = [0; limits::READ_BYTES];
    let read = stream.try_read(&mut buffer)?;
    with(&buffer[..read]);
    Ok(read)
}

#[cfg(test)]
mod tests;
