//! The WebSocket doors (`wire.md` §6), which OpenAPI has no words for: `x-websockets`.

use super::operation::reference;
use serde_json::{Value, json};

pub(super) fn doors() -> Value {
    let ping = takes("ping", "", "pong");
    let monitor = [
        takes("subscribe", "topics[], filters?: replaces; what is absent stays as it was", "subscribed"),
        takes("subscribe_to_events", "the same", "subscribed"),
        takes("request_full_state", "finishedJobsPagination?{page, pageSize}", "full_state_snapshot"),
        takes("resync_request", "since_event_id or since_timestamp, max_events?", "resync_response"),
        takes("heartbeat", "", "heartbeat_ack"),
        ping.clone(),
    ];
    let client = [
        takes("submit_job", "a Submission, flat; message_id becomes the job's id", "job_accepted, or error"),
        takes("get_job_status", "job_id", "job_status"),
        takes("sync_job_state", "job_id?; without it one for each subscribed job", "job_status"),
        takes("subscribe_to_events", "job_id, job_ids[] or workflow_id; topics?", "subscribed"),
        takes("subscribe_progress", "job_id", "subscribed"),
        takes("unsubscribe_from_events", "job_id", "unsubscribed"),
        takes("unsubscribe_progress", "job_id", "unsubscribed"),
        takes("cancel_job", "job_id", "job_cancelled, or error"),
        takes(
            "delegated_job_result",
            "job_id, result{success, data?, error?}: of a pending job of the same principal",
            "delegated_job_acknowledged",
        ),
        ping,
    ];
    let closes = json!({
        "1002": "framing error",
        "1008": "bad token or id",
        "1009": "larger than 10 MiB",
        "1013": "overloaded; come back later",
        "4409": "another connection uses this id now",
    });
    json!([
        {
            "path": "/ws/monitor/{id}",
            "summary": "Everything that happens, in the monitor dialect.",
            "x-roles": ["monitor", "admin"],
            "parameters": parameters("The monitor's id. In use already: the old connection is closed with 4409."),
            "tells": reference("MonitorMessage"),
            "takes": monitor,
            "closes": closes,
        },
        {
            "path": "/ws/client/{id}",
            "summary": "The jobs that this client submits or subscribes to, in the client dialect.",
            "x-roles": ["client", "admin"],
            "parameters": parameters("The client's id. Up to 8 connections share it; a ninth closes the oldest."),
            "tells": reference("ClientMessage"),
            "takes": client,
            "closes": closes,
        },
    ])
}

fn takes(kind: &str, fields: &str, reply: &str) -> Value {
    json!({ "type": kind, "fields": fields, "reply": reply })
}

fn parameters(about_id: &str) -> Value {
    let text = json!({ "type": "string" });
    json!([
        { "name": "id", "in": "path", "required": true, "description": about_id, "schema": super::parameters::id() },
        { "name": "since", "in": "query", "description": "Go on after this event.", "schema": text },
        { "name": "token", "in": "query", "description": "The token, where no header can be set.", "schema": text },
        { "name": "ticket", "in": "query", "description": "A ticket, from another site.", "schema": text },
    ])
}
