//! Connections: accepted, counted and bounded; what they carry beside HTTP is WebSockets, from the
//! upgrade down to the socket. Bytes and messages are known here, and nothing of jobs.

mod accepted;
mod frame;
mod handshake;
mod line;
#[cfg(test)]
mod pair;
mod serving;

pub(crate) use frame::{Inbound, Parser, put_ping, put_pong, put_text, text_head};
pub(crate) use handshake::{NotASocket, accept, raw};
pub(crate) use line::{Gone, Line};
pub(crate) use serving::{Bounds, Front};
