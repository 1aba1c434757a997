//! The WebSocket doors: an upgrade, then a conversation – what the stream tells, and answers to
//! what is asked – until one side closes.

mod asked;
mod client;
mod monitor;

pub(super) use client::{client, legacy};
pub(super) use monitor::monitor;

use super::Doors;
use super::events::spread;
use super::problem::Refused;
use super::refusals::Said;
use crate::access::Caller;
use crate::connections::Watcher;
use crate::limits;
use crate::socket::{Gone, Inbound, Line, NotASocket, Parser, accept, put_ping, put_pong, raw};
use axum::extract::Request;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::time::Instant;
use wire::limits::BODY_BYTES_MAX;

/// What is told over a socket, and what is made of what is heard.
trait Speaker: Send + 'static {
    /// The next piece; `None`: it is over. Given up half-way, nothing is lost.
    fn next(&mut self) -> impl Future<Output = Option<Bytes>> + Send;
    /// What is ready without waiting.
    fn ready(&mut self) -> Option<Bytes>;
    /// Whether all that it told of up to its place was given.
    fn is_drained(&self) -> bool;
    /// Whether there is something to [`attend`](Self::attend) to.
    fn is_called(&self) -> bool {
        false
    }
    /// Does what `next` found to be done and could not do itself: unlike that, it is never given up.
    fn attend(&mut self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }
    fn hear(&mut self, message: String) -> impl Future<Output = ()> + Send;
    /// The number of the last event that it told of, or passed over.
    fn place(&self) -> u64;
    /// The other side has everything up to this event for sure.
    fn confirm(&mut self, seq: u64);
    fn watcher(&self) -> &Arc<Watcher>;
}

/// Why a conversation ends.
enum End {
    /// There is nobody to say it to.
    Gone,
    Close(u16, &'static str),
}

impl From<Gone> for End {
    fn from(gone: Gone) -> End {
        match gone {
            Gone::Closed | Gone::Stalled => End::Gone,
            Gone::Broken(broken) => End::Close(broken.code(), broken.reason()),
        }
    }
}

const GOODBYE: u16 = 1000;
const POLICY: u16 = 1008;
const GOING_AWAY: u16 = 1001;
const TAKEN_OVER: u16 = 4409;

/// Opens the socket, and hands it over when the answer is sent. What cannot be spoken of on it –
/// `begin` says no – is said by closing it: a browser does not show the answer to an upgrade.
fn open<S: Speaker>(
    (doors, caller): (Doors, Caller),
    mut request: Request,
    begin: impl Future<Output = Result<S, Refused>> + Send + 'static,
) -> Response {
    let (response, on) = match accept(&mut request) {
        Ok(accepted) => accepted,
        Err(not) => return refuse(not),
    };
    tokio::spawn(async move {
        let Ok((stream, already)) = raw(on).await else { return };
        let line = Line::new(stream, &already, Parser::new(BODY_BYTES_MAX));
        match begin.await {
            Ok(speaker) => talk(&caller, line, speaker).await,
            Err(refused) => {
                doors.metrics.refused(&refused.problem().code);
                line.close(POLICY, &refused.problem().detail).await;
            }
        }
    });
    response
}

/// Who may not come in is told so where they can hear it: over a socket if that is what they ask for.
pub(super) fn turn_away(mut request: Request, refused: Refused) -> Result<Response, Refused> {
    let is_about_who = matches!(refused.problem().status, 401 | 403);
    if !is_about_who || !request.headers().contains_key(header::UPGRADE) {
        return Err(refused);
    }
    let Ok((mut response, on)) = accept(&mut request) else { return Err(refused) };
    response.extensions_mut().insert(Said::of(&refused));
    tokio::spawn(async move {
        if let Ok((stream, already)) = raw(on).await {
            let line = Line::new(stream, &already, Parser::new(BODY_BYTES_MAX));
            line.close(POLICY, &refused.problem().detail).await;
        }
    });
    Ok(response)
}

fn refuse(not: NotASocket) -> Response {
    let mut response = Refused::from(not.problem()).into_response();
    response.headers_mut().extend(not.headers());
    response
}

async fn talk<S: Speaker>(caller: &Caller, mut line: Line, mut speaker: S) {
    let watcher = Arc::clone(speaker.watcher());
    let mut pulse = Pulse::new();
    let end = loop {
        while speaker.is_called() {
            speaker.attend().await;
        }
        watcher.queued.store(line.queued() as u64, Ordering::Relaxed);
        let heard = tokio::select! {
            piece = speaker.next(), if line.is_clear() => match piece {
                Some(piece) => {
                    let mut room = limits::PIECE_BYTES_MAX.saturating_sub(piece.len());
                    line.queue(piece);
                    while room > 0 && let Some(piece) = speaker.ready() {
                        room = room.saturating_sub(piece.len());
                        line.queue(piece);
                    }
                    None
                }
                None => break End::Close(GOING_AWAY, "the broker is shutting down; come back in 2 s"),
            },
            moved = line.moved() => match moved {
                Ok(heard) => heard,
                Err(gone) => {
                    if gone == Gone::Stalled {
                        watcher.ends("it took nothing for too long");
                    }
                    break gone.into();
                }
            },
            () = tokio::time::sleep_until(pulse.due_at) => {
                if !pulse.beat(line.is_clear()) {
                    watcher.ends("it answered no pings");
                    break End::Gone;
                }
                if line.is_clear() && speaker.is_drained() {
                    line.queue(frame(put_ping, speaker.place().to_string().as_bytes()));
                }
                None
            }
            () = caller.0.gone.cancelled() => break End::Close(POLICY, "the token is gone"),
            () = watcher.taken_over.cancelled() => break End::Close(TAKEN_OVER, "taken over by a newer connection of this id"),
        };
        pulse.unheard *= u32::from(heard.is_none());
        match heard {
            None => {}
            Some(Inbound::Text(message)) => speaker.hear(message).await,
            Some(Inbound::Pong(body)) => {
                let confirmed = std::str::from_utf8(&body).ok().and_then(|text| text.parse().ok());
                if let Some(seq) = confirmed.filter(|seq| *seq <= speaker.place()) {
                    speaker.confirm(seq);
                }
            }
            Some(Inbound::Ping(body)) => line.queue(frame(put_pong, &body)),
            Some(Inbound::Close(_)) => break End::Close(GOODBYE, ""),
        }
    };
    if let End::Close(code, why) = &end {
        watcher.ends(if *code == GOODBYE { "it said goodbye" } else { why });
    }
    drop(speaker);
    if let End::Close(code, why) = end {
        line.close(code, why).await;
    }
}

fn frame(put: fn(&mut BytesMut, &[u8]), body: &[u8]) -> Bytes {
    let mut frame = BytesMut::new();
    put(&mut frame, body);
    frame.freeze()
}

/// Whether the other side lives: it is pinged while it has everything. One that has not is judged by
/// what it acknowledges, see [`Line`].
struct Pulse {
    due_at: Instant,
    /// Pings since something was heard.
    unheard: u32,
}

impl Pulse {
    fn new() -> Pulse {
        Pulse { due_at: Instant::now() + spread(limits::PING_EVERY), unheard: 0 }
    }

    /// It is time to ping. False: too many pings in a row were not answered.
    fn beat(&mut self, is_clear: bool) -> bool {
        self.due_at = Instant::now() + limits::PING_EVERY;
        if is_clear {
            self.unheard += 1;
        }
        self.unheard <= limits::PONGS_MISSED_MAX
    }
}
