//! A WebSocket as its door uses it: one task tells, listens and waits for other things in one `select!`.
//! While nothing is said nothing is held but the socket.

use super::accepted::Accepted;
use super::frame::{Broken, Inbound, Parser, put_close};
use super::serving::{read_some, until_closed};
use crate::limits;
use bytes::{Buf, Bytes, BytesMut};
use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice};
use tokio::io::Interest;
use tokio::time::timeout;

/// Pieces that are written at once.
const PIECES_AT_ONCE: usize = 16;
/// Room for so many pieces stays.
const PIECES_KEPT: usize = 4;

/// A WebSocket's connection.
#[derive(Debug)]
pub(crate) struct Line {
    on: Accepted,
    parser: Parser,
    /// What the kernel has not taken. Each piece is whole frames.
    queue: VecDeque<Bytes>,
    queued: usize,
    /// Part of the first piece has gone: the rest must follow.
    is_cut: bool,
    #[cfg(test)]
    sent: u64,
    over: Option<Gone>,
}

/// Why nothing more comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Gone {
    /// The client has closed the connection, or it was reset.
    Closed,
    /// For [`limits::STALL_WAIT`] no byte was acknowledged.
    Stalled,
    /// What came is no WebSocket: [`Line::close`] says so.
    Broken(Broken),
}

impl From<io::Error> for Gone {
    fn from(error: io::Error) -> Gone {
        if error.kind() == ErrorKind::TimedOut { Gone::Stalled } else { Gone::Closed }
    }
}

impl Line {
    /// `already` was read behind the request's head.
    pub(crate) fn new(on: Accepted, already: &[u8], mut parser: Parser) -> Line {
        let over = parser.take(already).err().map(Gone::Broken);
        Line {
            on,
            parser,
            queue: VecDeque::new(),
            queued: 0,
            is_cut: false,
            #[cfg(test)]
            sent: 0,
            over,
        }
    }

    /// To be sent by [`Line::moved`], after what is queued. `frames` are whole.
    pub(crate) fn queue(&mut self, frames: Bytes) {
        self.queued += frames.len();
        if !frames.is_empty() {
            self.queue.push_back(frames);
        }
    }

    /// Whether the kernel has taken everything. Only then is more told: a slow reader holds back nothing but itself.
    pub(crate) fn is_clear(&self) -> bool {
        self.queue.is_empty()
    }

    /// Bytes that the kernel has not taken.
    pub(crate) fn queued(&self) -> usize {
        self.queued
    }

    /// Bytes that the kernel has taken.
    #[cfg(test)]
    pub(crate) fn sent(&self) -> u64 {
        self.sent
    }

    /// Sends what is queued, reads, and returns with what was read, or with `None` when what was queued has gone.
    /// Nothing is lost if it is dropped. Who does not read their answers is not listened to either.
    ///
    /// # Errors
    /// Nothing more comes; all that was said before has been given.
    pub(crate) async fn moved(&mut self) -> Result<Option<Inbound>, Gone> {
        loop {
            if !self.is_clear() && self.flush()? {
                return Ok(None);
            }
            let hears = self.queued <= limits::PIECE_BYTES_MAX;
            if hears {
                if let Some(inbound) = self.parser.next() {
                    return Ok(Some(inbound));
                }
                if let Some(gone) = self.over {
                    return Err(gone);
                }
            }
            let interest = match (hears, self.is_clear()) {
                (true, true) => Interest::READABLE,
                (true, false) => Interest::READABLE | Interest::WRITABLE,
                (false, _) => Interest::WRITABLE,
            };
            let ready = self.on.stream().ready(interest).await?;
            if hears && ready.is_readable() {
                self.read()?;
            }
        }
    }

    /// Says goodbye, at most behind the frames whose first bytes have gone, and waits for a while until it has arrived.
    pub(crate) async fn close(mut self, code: u16, reason: &str) {
        self.queue.truncate(usize::from(self.is_cut));
        let mut last = BytesMut::new();
        put_close(&mut last, code, reason);
        self.queue.push_back(last.freeze());
        // Whether it arrives or not, that was all.
        let _ = timeout(limits::CLOSE_WAIT, async {
            while !self.flush()? {
                self.on.stream().writable().await?;
            }
            until_closed(self.on.stream()).await.map_err(Gone::from)
        })
        .await;
    }

    /// Whether everything has gone.
    fn flush(&mut self) -> Result<bool, Gone> {
        while !self.queue.is_empty() {
            let mut pieces = [IoSlice::new(&[]); PIECES_AT_ONCE];
            let count = self.queue.len().min(PIECES_AT_ONCE);
            for (slot, piece) in pieces.iter_mut().zip(&self.queue) {
                *slot = IoSlice::new(piece);
            }
            match self.on.stream().try_write_vectored(&pieces[..count]) {
                Ok(written) => self.has_gone(written),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error.into()),
            }
        }
        self.queue.shrink_to(PIECES_KEPT);
        Ok(true)
    }

    fn has_gone(&mut self, mut written: usize) {
        #[cfg(test)]
        {
            self.sent += written as u64;
        }
        self.queued = self.queued.saturating_sub(written);
        while let Some(first) = self.queue.front_mut() {
            if written < first.len() {
                first.advance(written);
                self.is_cut |= written > 0;
                return;
            }
            written -= first.len();
            self.queue.pop_front();
            self.is_cut = false;
        }
    }

    fn read(&mut self) -> Result<(), Gone> {
        let (parser, over) = (&mut self.parser, &mut self.over);
        let read = read_some(self.on.stream(), |bytes| *over = parser.take(bytes).err().map(Gone::Broken));
        match read {
            Ok(0) => self.over = Some(Gone::Closed),
            Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error.into()),
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
