//! `GET /api/connections`: who watches, and how far behind each is.

use super::Doors;
use crate::connections::{Transport, Watcher};
use axum::Json;
use axum::extract::State;
use fleet::Timestamp;
use std::sync::atomic::Ordering::Relaxed;
use wire::ops::{WatcherView, Watching, WatchingStats};
use wire::rfc3339;

pub(super) async fn connections(State(doors): State<Doors>) -> Json<Watching> {
    let (head, now) = (doors.desk.feed.position().seq, doors.desk.now());
    let (mut monitors, mut clients, mut sockets) = (Vec::new(), Vec::new(), Vec::new());
    for watcher in doors.connections.all() {
        let view = view(&watcher, head, now);
        if watcher.watches.transport == Transport::Socket {
            sockets.push(view.clone());
        }
        if watcher.is_monitor() { monitors.push(view) } else { clients.push(view) }
    }
    let all = || monitors.iter().chain(&clients);
    let stats = WatchingStats {
        monitors: monitors.len(),
        clients: clients.len(),
        websockets: sockets.len(),
        lag_events_max: all().map(|view| view.lag_events).max().unwrap_or(0),
        lag_ms_max: all().map(|view| view.lag_ms).max().unwrap_or(0),
        queued_bytes: all().map(|view| view.queued_bytes).sum(),
    };
    Json(Watching {
        monitor_connections: monitors,
        client_connections: clients,
        websocket_connections: sockets,
        stats,
        timestamp: rfc3339(now),
    })
}

fn view(watcher: &Watcher, head: u64, now: Timestamp) -> WatcherView {
    let lag_events = watcher.lag(head);
    let caught_up_at = Timestamp(watcher.caught_up_at.load(Relaxed));
    let transport = match watcher.watches.transport {
        Transport::Socket => "websocket",
        Transport::Sse => "sse",
    };
    WatcherView {
        id: watcher.watches.id.clone(),
        kind: watcher.watches.kind.word().to_owned(),
        transport: transport.to_owned(),
        principal: watcher.principal.to_string(),
        address: watcher.address.to_string(),
        connected_at: rfc3339(watcher.connected_at),
        lag_events,
        lag_ms: if lag_events == 0 { 0 } else { now.since(caught_up_at) },
        queued_bytes: watcher.queued.load(Relaxed),
    }
}
