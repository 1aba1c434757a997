//! The doors. They parse what comes in, ask the dispatcher, and give the answer a shape. They
//! hold no state and no rule.

mod acting;
mod after;
mod body;
mod client_events;
mod client_stream;
mod cors;
mod docs;
mod events;
mod guard;
mod holding;
mod job_events;
mod job_list;
mod jobs;
mod leases;
mod machines;
mod metrics;
mod monitor_stream;
mod ops;
mod problem;
mod refusals;
mod resync;
mod session;
mod sockets;
mod ui;
mod wait;
mod watching;
mod workers;

use crate::access::{Access, Caller, Peer};
use crate::config::Config;
use crate::connections::{Connections, Seat, Watcher, Watches};
use crate::desk::Desk;
use crate::metrics::Metrics;
use crate::seen::Seen;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use futures_util::FutureExt;
use problem::Refused;
use refusals::Asking;
use std::ops::Deref;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tower::Service;

/// What a door has at hand. Each request takes a few clones of it, so it is one pointer.
#[derive(Clone)]
pub(crate) struct Doors(Arc<AtHand>);

pub(crate) struct AtHand {
    pub(crate) desk: Desk,
    pub(crate) config: Config,
    pub(crate) connections: Arc<Connections>,
    pub(crate) seen: Arc<Seen>,
    pub(crate) access: Arc<Access>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) started: Instant,
    /// Streams say goodbye when it is cancelled.
    pub(crate) closing: CancellationToken,
}

impl Deref for Doors {
    type Target = AtHand;

    fn deref(&self) -> &AtHand {
        &self.0
    }
}

impl Doors {
    /// A seat among those who watch, for one open stream or socket; given back when it is dropped.
    ///
    /// # Errors
    /// 503: there are too many.
    fn seat(&self, watches: Watches, caller: &Caller, Peer(address): Peer) -> Result<Seat, Refused> {
        let place = self.access.place(caller, address)?;
        let now = self.desk.now();
        Ok(self.connections.sit(Watcher::new(watches, caller.0.principal.clone(), address, now), place))
    }
}

/// The way to all doors, and what holds for every request. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Entrance {
    doors: Doors,
    router: Router,
}

impl Entrance {
    pub(crate) fn to(at_hand: AtHand) -> Entrance {
        let doors = Doors(Arc::new(at_hand));
        Entrance { router: router(doors.clone()), doors }
    }

    /// Not a layer of the router: those clone and box every door behind them for each request.
    pub(crate) async fn answer(self, request: Request) -> Response {
        let (doors, mut asking) = (self.doors.clone(), Asking::default());
        let answer = self.answer_to(request, &mut asking).await;
        asking.note(&doors, &answer);
        answer
    }

    async fn answer_to(mut self, mut request: Request, asking: &mut Asking) -> Response {
        let page = match guard::page_of(&self.doors, &request) {
            Ok(page) => page,
            Err(refused) => return refused.into_response(),
        };
        let signature = cors::Signature::of(&self.doors.config, page, request.headers());
        if let Some(answer) = cors::preflight(page, &request) {
            return signature.sign(answer);
        }
        // A panic is a bug of ours, and this request's alone.
        let answer = AssertUnwindSafe(async {
            if let Err(refused) = guard::let_in(&self.doors, page, &mut request, asking).await {
                return sockets::turn_away(request, refused);
            }
            after::wait(&self.doors.desk, &mut request).await?;
            Ok(self.router.call(request).await.unwrap_or_else(|never| match never {}))
        });
        let answer = answer.catch_unwind().await.unwrap_or_else(|_| {
            Err(Refused::new(500, "internal", "this request met a bug; the server's log says where"))
        });
        signature.sign(answer.unwrap_or_else(IntoResponse::into_response))
    }
}

/// The page; also the older door for sockets.
async fn home(doors: State<Doors>, caller: Caller, peer: Peer, request: Request) -> Response {
    match request.headers().contains_key(header::UPGRADE) {
        true => sockets::legacy(doors, caller, peer, request).await,
        false => ui::page().await,
    }
}

/// All doors there are.
fn router(doors: Doors) -> Router {
    Router::new()
        .route("/api/jobs", post(jobs::submit).get(job_list::list))
        .route("/api/jobs:batch", post(jobs::submit_all))
        .route("/api/jobs/{id}", get(jobs::show))
        .route("/api/jobs/{id}/retry", post(jobs::retry))
        .route("/api/jobs/{id}/explain", get(jobs::explain))
        .route("/api/jobs/{id}/cancel", post(jobs::cancel))
        .route("/api/jobs/{id}/events", get(job_events::stream))
        .route("/api/jobs/{id}/progress", get(job_events::stream))
        .route("/api/events/monitor", get(events::monitor))
        .route("/api/events/client", get(client_events::client))
        .route("/ws/monitor/{id}", get(sockets::monitor))
        .route("/ws/client/{id}", get(sockets::client))
        .route("/ws", get(sockets::legacy))
        .route("/ws/{*path}", get(sockets::legacy))
        .route("/api/machines", get(machines::list))
        .route("/api/machines/{id}", put(machines::join).delete(machines::leave).get(machines::show))
        .route("/api/machines/{id}/heartbeat", post(machines::heartbeat))
        .route("/api/machines/{id}/orders", post(machines::orders))
        .route("/api/workers", get(workers::list))
        .route("/api/workers/{id}", put(workers::join).delete(workers::leave).get(workers::show))
        .route("/api/workers/{id}/next", post(workers::next))
        .route("/api/leases/{lease}/start", post(leases::start))
        .route("/api/leases/{lease}/renew", post(leases::renew))
        .route("/api/leases/{lease}/progress", post(leases::progress))
        .route("/api/leases/{lease}/finish", post(leases::finish))
        .route("/api/leases/{lease}/fail", post(leases::fail))
        .route("/api/leases/{lease}/release", post(leases::release))
        .route("/api/machines/{id}/drain", post(holding::drain_a_machine))
        .route("/api/machines/{id}/undrain", post(holding::undrain_a_machine))
        .route("/api/workers/{id}/drain", post(holding::drain_a_worker))
        .route("/api/workers/{id}/undrain", post(holding::undrain_a_worker))
        .route("/api/services/{name}/pause", post(holding::pause))
        .route("/api/services/{name}/resume", post(holding::resume))
        .route("/api/services", get(holding::services))
        .route("/api/classes", get(holding::classes))
        .route("/api/session", post(session::sign_in).delete(session::sign_out))
        .route("/api/tickets", post(session::ticket))
        .route("/api/stats", get(ops::stats))
        .route("/api/connections", get(watching::connections))
        .route("/metrics", get(metrics::metrics))
        .route("/health", get(ops::health))
        .route("/health/live", get(ops::live))
        .route("/health/ready", get(ops::ready))
        .route("/version", get(ops::version))
        .route("/api/openapi.json", get(docs::openapi))
        .route("/docs", get(docs::page))
        .route("/", get(home))
        .route("/icon.svg", get(ui::icon))
        .route("/assets/{*path}", get(ui::asset))
        .fallback(problem::unknown_path)
        .method_not_allowed_fallback(problem::unknown_method)
        .with_state(doors)
}
