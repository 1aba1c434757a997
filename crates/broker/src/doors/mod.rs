//! The doors. They parse what comes in, ask the dispatcher, and give the answer a shape. They
//! hold no state and no rule.

mod after;
mod body;
mod events;
mod guard;
mod holding;
mod job_events;
mod job_list;
mod jobs;
mod leases;
mod machines;
mod ops;
mod problem;
mod ui;
mod workers;

use crate::access::Caller;
use crate::config::Config;
use crate::desk::Desk;
use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use futures_util::FutureExt;
use problem::Refused;
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
    pub(crate) async fn answer(mut self, mut request: Request) -> Response {
        if let Err(refused) = guard::check(&self.doors.config, &request) {
            return refused.into_response();
        }
        request.extensions_mut().insert(Caller::local());
        // A panic is a bug of ours, and this request's alone.
        let answer = AssertUnwindSafe(async {
            match after::wait(&self.doors.desk, &mut request).await {
                Ok(()) => self.router.call(request).await.unwrap_or_else(|never| match never {}),
                Err(refused) => refused.into_response(),
            }
        });
        answer.catch_unwind().await.unwrap_or_else(|_| {
            Refused::new(500, "internal", "this request met a bug; the server's log says where").into_response()
        })
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
        .route("/api/stats", get(ops::stats))
        .route("/health", get(ops::health))
        .route("/health/live", get(ops::live))
        .route("/health/ready", get(ops::ready))
        .route("/version", get(ops::version))
        .route("/", get(ui::page))
        .route("/icon.svg", get(ui::icon))
        .route("/assets/{*path}", get(ui::asset))
        .fallback(problem::unknown_path)
        .method_not_allowed_fallback(problem::unknown_method)
        .with_state(doors)
}
