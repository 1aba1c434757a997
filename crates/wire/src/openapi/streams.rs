//! What is told as it happens, in the two dialects.

use super::jobs::READERS;
use super::operation::{Operation, get};
use super::parameters::{CLIENT_STREAM, FILTERS, JOB, LAST_EVENT_ID, PAYLOADS, SINCE_EVENT, TOPICS, WANTED_SNAPSHOT};
use crate::client::ClientMessage;
use crate::monitor::MonitorMessage;

pub(super) const ABOUT: &str = "Server-sent events. Frames are unnamed (`data: <message>`), so `EventSource.onmessage` sees all; a durable event \
     has its `id:`. Reconnect with `Last-Event-ID`, which a browser does by itself, or with `since`, and the stream goes \
     on with no gap and no repeat; a position that cannot be resumed is answered with `resync` and its reason, then with \
     the state. A quiet stream sends an `id:` without data every 15 s. Refusals before a stream starts are problems.";

pub(super) fn rows() -> Vec<Operation> {
    let monitor = get("/api/events/monitor", "streamMonitorEvents", "Everything that happens, in the monitor dialect.")
        .about("`connected`, a `full_state_snapshot`, then each event.")
        .for_roles(&["monitor", "admin"])
        .takes([TOPICS])
        .takes(FILTERS)
        .takes([WANTED_SNAPSHOT, PAYLOADS, SINCE_EVENT, LAST_EVENT_ID])
        .streams::<MonitorMessage<'_>>("The stream; it ends with the connection.");
    let client = get("/api/events/client", "streamClientEvents", "The jobs of a client, in the client dialect.")
        .about("`connection_established`, then the state of each job that lives, then its messages.")
        .for_roles(&["client", "admin"])
        .takes(CLIENT_STREAM)
        .takes([TOPICS, SINCE_EVENT, LAST_EVENT_ID])
        .streams::<ClientMessage<'_>>("The stream; it ends with the connection.");
    let of_job = |path, id, summary| {
        get(path, id, summary)
            .about(
                "Begins with the job's state and ends after its end. Resumed after that: 204, which stops a browser.",
            )
            .for_roles(READERS)
            .takes([JOB, SINCE_EVENT, LAST_EVENT_ID])
            .streams::<ClientMessage<'_>>("The stream; it ends with the job.")
            .gives_nothing(204, "The caller has seen the job's end already.")
            .refuses(["job_not_found", "store_unavailable"])
    };
    let job = of_job("/api/jobs/{id}/events", "streamJobEvents", "One job's story, in the client dialect.");
    let progress = of_job("/api/jobs/{id}/progress", "streamJobProgress", "The same as `/events`.");
    vec![monitor, client, job, progress]
}
