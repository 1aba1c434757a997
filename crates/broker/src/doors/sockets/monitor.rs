//! `/ws/monitor/{id}`: everything, as it happens, and what a monitor asks beside.

use super::super::Doors;
use super::super::body::{Params, Segment};
use super::super::events::MonitorParams;
use super::super::monitor_stream::MonitorStream;
use super::super::problem::Refused;
use super::{Speaker, open};
use crate::access::{Caller, Peer};
use crate::connections::{Kind, Transport, Watcher, Watches};
use crate::feed::Framing;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use fleet::ClientId;
use std::sync::Arc;
use wire::monitor::MonitorBody;
use wire::requests::{self, MonitorAsks, Refusable};
use wire::{Malformed, Problem};

pub(in super::super) async fn monitor(
    State(doors): State<Doors>,
    caller: Caller,
    peer: Peer,
    Segment(id): Segment,
    Params(params): Params<MonitorParams>,
    request: Request,
) -> Response {
    let begin = begin(doors.clone(), caller.clone(), peer, id, params);
    open((doors, caller), request, begin)
}

async fn begin(
    doors: Doors,
    caller: Caller,
    peer: Peer,
    id: String,
    params: MonitorParams,
) -> Result<MonitorStream, Refused> {
    // The same rule as for a client's id.
    ClientId::parse(&id).map_err(|error| Malformed::field("monitor_id", error))?;
    let (subscription, with_snapshot) = (params.subscription(Framing::Socket)?, params.with_snapshot()?);
    let seat =
        doors.seat(Watches { kind: Kind::Monitor, transport: Transport::Socket, id: Some(id) }, &caller, peer)?;
    let mut stream = MonitorStream::open(doors, subscription, with_snapshot, seat);
    stream.begin(params.since.as_deref().filter(|since| !since.is_empty())).await;
    Ok(stream)
}

impl Speaker for MonitorStream {
    async fn next(&mut self) -> Option<Bytes> {
        self.next().await
    }

    fn ready(&mut self) -> Option<Bytes> {
        self.ready()
    }

    fn is_drained(&self) -> bool {
        self.is_drained()
    }

    async fn hear(&mut self, message: String) {
        let request = requests::monitor(&message);
        let reference = request.reference.as_ref();
        match request.asked {
            Ok(MonitorAsks::Subscribe { topics, filters }) => self.subscribe(topics, filters, reference),
            Ok(MonitorAsks::FullState { page }) => Box::pin(self.full_state(page, reference)).await,
            Ok(MonitorAsks::Resync { since, events_max }) => {
                Box::pin(self.resync_response(since, events_max, reference)).await;
            }
            Ok(MonitorAsks::Heartbeat) => self.ack_to(reference),
            Ok(MonitorAsks::Ping) => self.reply(MonitorBody::Pong {}, reference),
            Err(refusable) => {
                let problem = problem_of(&refusable);
                self.doors.metrics.refused(&problem.code);
                self.reply(MonitorBody::Error { code: &problem.code, error: &problem.detail }, reference);
            }
        }
    }

    fn place(&self) -> u64 {
        self.cursor.at.seq
    }

    fn confirm(&mut self, _: u64) {}

    fn watcher(&self) -> &Arc<Watcher> {
        &self.seat.watcher
    }
}

pub(super) fn problem_of(refusable: &Refusable) -> Problem {
    match refusable {
        Refusable::UnknownType(kind) => {
            Problem::new(400, "unknown_type", format!("type: {kind:?} is no message of this door"))
        }
        Refusable::Malformed(malformed) => malformed.into(),
    }
}
