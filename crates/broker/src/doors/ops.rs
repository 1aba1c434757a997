//! What operators and their tools ask.

use super::Doors;
use crate::access::Caller;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use std::sync::atomic::{AtomicU64, Ordering};
use store::Room;
use wire::monitor::Upstream;
use wire::ops::{Connections, Health, Stats, StoreHealth, Version};
use wire::rfc3339;

pub(super) async fn stats(State(doors): State<Doors>) -> Json<Stats> {
    let stats = doors.desk.feed.view().ledger.tally().into();
    Json(Stats { success: true, stats, timestamp: rfc3339(doors.desk.now()) })
}

pub(super) async fn health(State(doors): State<Doors>, caller: Caller) -> Json<Health> {
    let feed = &doors.desk.feed;
    let state = feed.upstream_state();
    let (event_id, seq, jobs_in_memory) = {
        let view = feed.view();
        (view.event_id().to_string(), view.position.seq, view.ledger.jobs_known() as u64)
    };
    let is_well = state.upstream == Upstream::Live && doors.desk.store.journal.room() == Room::Enough;
    let status = if is_well { "ok" } else { "degraded" };
    // Everyone may know how it is, and only who may see everything what there is.
    let (connections, store) = if caller.sees_all() {
        let count = |of: &AtomicU64| of.load(Ordering::Relaxed);
        let connections = Connections {
            monitors: count(&feed.monitors),
            clients: count(&feed.clients),
            workers: count(&feed.workers),
        };
        let store = StoreHealth {
            kind: doors.config.store_kind.clone(),
            event_id,
            error: state.error,
            full: match doors.desk.store.journal.room() {
                Room::Enough => None,
                Room::Full(why) => Some(why),
            },
            archive_lag_events: seq.saturating_sub(feed.archived.load(Ordering::Relaxed)),
            jobs_in_memory,
        };
        (Some(connections), Some(store))
    } else {
        (None, None)
    };
    Json(Health {
        status: status.to_owned(),
        upstream: state.upstream,
        connections,
        store,
        timestamp: rfc3339(doors.desk.now()),
    })
}

/// The process answers.
pub(super) async fn live() -> &'static str {
    "ok\n"
}

/// Submissions are taken: the store is there.
pub(super) async fn ready(State(doors): State<Doors>) -> (StatusCode, &'static str) {
    match doors.desk.feed.upstream_state().upstream {
        Upstream::Live => (StatusCode::OK, "ok\n"),
        Upstream::Stale => (StatusCode::SERVICE_UNAVAILABLE, "the store is away\n"),
    }
}

pub(super) async fn version(State(doors): State<Doors>) -> Json<Version> {
    Json(Version {
        api_version: "1".to_owned(),
        name: "callboard".to_owned(),
        version: doors.config.version.clone(),
        uptime_seconds: doors.started.elapsed().as_secs(),
        environment: if cfg!(debug_assertions) { "development" } else { "production" }.to_owned(),
        timestamp: rfc3339(doors.desk.now()),
    })
}
