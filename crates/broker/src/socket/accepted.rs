//! A connection that was accepted: the place that it takes, and what the kernel may hold for it.

use super::serving::Bounds;
use crate::limits;
use socket2::SockRef;
use std::collections::HashMap;
use std::io::{self, IoSlice};
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many connections there may be, at all and from one address.
#[derive(Debug)]
pub(super) struct Places {
    all: Arc<Semaphore>,
    per_address_max: usize,
    from: Mutex<HashMap<IpAddr, usize>>,
}

/// One connection's place. It is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    address: IpAddr,
    places: Arc<Places>,
    _one_of_all: OwnedSemaphorePermit,
}

/// Which limit a further connection would exceed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum Full {
    #[error("the server has {0} connections, and no more are taken; come back later")]
    All(usize),
    #[error("there are {0} connections from your address, and no more are taken; close some, or share them")]
    Address(usize),
}

impl Places {
    pub(super) fn new(bounds: &Bounds) -> Places {
        Places {
            all: Arc::new(Semaphore::new(bounds.connections_max)),
            per_address_max: bounds.connections_per_address_max,
            from: Mutex::default(),
        }
    }

    /// A place for a connection from `address`.
    pub(super) fn take(self: &Arc<Places>, address: IpAddr, bounds: &Bounds) -> Result<Place, Full> {
        let address = address.to_canonical();
        let full = Full::All(bounds.connections_max);
        let one_of_all = Arc::clone(&self.all).try_acquire_owned().map_err(|_| full)?;
        let mut from = self.from();
        let count = from.entry(address).or_default();
        if *count >= self.per_address_max {
            return Err(Full::Address(self.per_address_max));
        }
        *count += 1;
        Ok(Place { address, places: Arc::clone(self), _one_of_all: one_of_all })
    }

    /// Until every place is free.
    pub(super) async fn empty(&self, bounds: &Bounds) {
        let all = u32::try_from(bounds.connections_max).unwrap_or(u32::MAX);
        // Nobody closes the semaphore.
        let _ = self.all.acquire_many(all).await;
    }

    fn from(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.from.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut from = self.places.from();
        if let Some(count) = from.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                from.remove(&self.address);
            }
        }
    }
}

/// A connection and its place, also after it was upgraded.
#[derive(Debug)]
pub(crate) struct Accepted {
    stream: TcpStream,
    _place: Place,
}

impl Accepted {
    pub(super) fn new(stream: TcpStream, place: Place, bounds: &Bounds) -> Accepted {
        if let Err(error) = bound(&stream, bounds.stall_wait) {
            // It works without, and a slow reader costs more.
            tracing::debug!(%error, "a connection's buffers could not be bounded");
        }
        Accepted { stream, _place: place }
    }

    pub(super) fn stream(&self) -> &TcpStream {
        &self.stream
    }
}

/// What the kernel holds for a reader that does not read, and how long it waits for it: a connection
/// whose bytes nobody acknowledges for `stall_wait` ends with `TimedOut`.
fn bound(stream: &TcpStream, stall_wait: Duration) -> io::Result<()> {
    // Frames are small and must not wait for one another.
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    socket.set_send_buffer_size(limits::SEND_BUFFER_BYTES)?;
    #[cfg(target_os = "linux")]
    {
        socket.set_tcp_notsent_lowat(limits::UNSENT_BYTES_MAX)?;
        socket.set_tcp_user_timeout(Some(stall_wait))?;
    }
    Ok(())
}

impl AsyncRead for Accepted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, into)
    }
}

impl AsyncWrite for Accepted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
