//! `/ws/monitor/{id}`, `/ws/client/{id}` and the older door: both dialects, and what is asked over them.

use crate::board::{Board, memory};
use crate::http::Frame;
use crate::socket::Socket;
use serde_json::{Value, json};

fn kinds(frames: &[Frame]) -> Vec<&str> {
    let told = frames.iter().filter(|frame| frame.kind() != "system_stats");
    told.map(Frame::kind).collect()
}

#[tokio::test]
async fn a_monitor_is_told_the_same_over_a_socket_as_over_a_stream() {
    let board = Board::start().await;
    board.submit("before", "hash").await;
    let mut socket = Socket::open(board.at, "/ws/monitor/m1").await;
    let mut stream = board.stream("/api/events/monitor", None).await;
    let first = socket.until("full_state_snapshot").await;
    assert_eq!(kinds(&first), ["connected", "full_state_snapshot"]);
    assert_eq!(first[1].data["monitor_id"], "m1");
    stream.until("full_state_snapshot").await;
    let worker = board.worker("w").await;
    let lease = worker.take().await;
    board.report(&lease, "finish", &json!({ "result": { "x": 1 } })).await;
    board.post("/api/jobs/none/cancel", "").await;
    board.submit("after", "none").await;
    let told = |frames: Vec<Frame>| -> Vec<Value> {
        frames.into_iter().map(|frame| frame.data).filter(|data| data["event_id"].is_string()).collect()
    };
    let (over_socket, over_stream) =
        (told(socket.until("job_unschedulable").await), told(stream.until("job_unschedulable").await));
    assert!(over_socket.len() >= 8, "{over_socket:?}");
    assert_eq!(over_socket, over_stream);
}

#[tokio::test]
async fn a_client_submits_and_is_told_everything_of_its_job_once() {
    let board = Board::start().await;
    let mut client = Socket::open(board.at, "/ws/client/c1").await;
    assert_eq!(client.message().await["type"], "connection_established");
    let submit = json!({ "type": "submit_job", "message_id": "j1", "job_type": "hash", "payload": { "x": 1 } });
    client.say(&submit).await;
    let accepted = client.message().await;
    assert_eq!((&accepted["type"], &accepted["job_id"]), (&json!("job_accepted"), &json!("j1")));
    assert_eq!((&accepted["message_id"], &accepted["job_seq"]), (&json!("j1"), &json!(1)));
    let worker = board.worker("w").await;
    let lease = worker.take().await;
    board.report(&lease, "progress", &json!({ "progress": 0 })).await;
    let progress = client.until("update_job_progress").await;
    assert_eq!(progress.last().unwrap().data["progress"], 0.0, "0 is a value");
    board.report(&lease, "finish", &json!({ "result": { "x": 2 } })).await;
    let end = client.until("complete_job").await;
    assert_eq!(end.last().unwrap().data["result"], json!({ "status": "success", "data": { "x": 2 } }));
    let seqs: Vec<_> = progress.iter().chain(&end).filter_map(|frame| frame.data["job_seq"].as_u64()).collect();
    assert_eq!(seqs, [2, 3, 4]);
    // The same again: answered to this socket, with its end, and no event.
    client.say(&submit).await;
    let again = client.message().await;
    assert_eq!((&again["duplicate"], &again["status"]), (&json!(true), &json!("completed")));
    let end = client.message().await;
    assert_eq!((&end["type"], &end["job_seq"]), (&json!("complete_job"), &json!(4)));
    client.say(&json!({ "type": "ping", "id": 7 })).await;
    let pong = client.message().await;
    assert_eq!((&pong["type"], &pong["message_id"]), (&json!("pong"), &json!(7)), "nothing came in between");
}

#[tokio::test]
async fn a_client_asks_for_what_it_may_and_is_told_what_is_wrong() {
    let board = Board::start().await;
    board.submit("other", "hash").await;
    let mut client = Socket::open(board.at, "/ws/client/c1").await;
    client.message().await;
    for (asked, kind, field, value) in [
        (json!({ "type": "get_job_status", "job_id": "other" }), "job_status", "/job/status", json!("pending")),
        (json!({ "type": "subscribe_progress", "job_id": "other" }), "subscribed", "/job_id", json!("other")),
        (json!({ "type": "sync_job_state" }), "job_status", "/job/id", json!("other")),
        (json!({ "type": "unsubscribe_progress", "job_id": "other" }), "unsubscribed", "/job_id", json!("other")),
        (json!({ "type": "get_job_status", "job_id": "none" }), "error", "/code", json!("job_not_found")),
        (json!({ "type": "subscribe_to_events", "job_ids": ["none"] }), "error", "/code", json!("job_not_found")),
        (json!({ "type": "subscribe_to_events" }), "error", "/code", json!("bad_field")),
        (json!({ "type": "sing" }), "error", "/code", json!("unknown_type")),
        (json!({ "no": "type" }), "error", "/code", json!("bad_field")),
        (json!([1, 2]), "error", "/code", json!("bad_field")),
        (json!({ "type": "submit_job", "payload": 1 }), "error", "/code", json!("bad_field")),
        (json!({ "type": "cancel_job", "job_id": "other" }), "job_cancelled", "/job_id", json!("other")),
    ] {
        client.say(&asked).await;
        let answer = client.message().await;
        assert_eq!(answer["type"], kind, "{asked}: {answer}");
        assert_eq!(answer.pointer(field), Some(&value), "{asked}: {answer}");
    }
    // Following what has ended yields its end at once.
    client.say(&json!({ "type": "subscribe_to_events", "job_id": "other" })).await;
    assert_eq!(client.message().await["type"], "subscribed");
    let end = client.message().await;
    assert_eq!(end["result"], json!({ "status": "failed", "error": "Job cancelled by user", "cancelled": true }));
}

#[tokio::test]
async fn subscriptions_survive_a_restart_and_a_client_comes_back_without_a_gap() {
    let store = memory();
    let board = Board::on(store.clone()).await;
    board.submit("followed", "hash").await;
    let mut client = Socket::open(board.at, "/ws/client/c1").await;
    client.message().await;
    client.say(&json!({ "type": "submit_job", "message_id": "own", "job_type": "hash", "priority": 90 })).await;
    client.say(&json!({ "type": "subscribe_to_events", "job_id": "followed" })).await;
    client.until("subscribed").await;
    drop(client);
    board.stop().await.unwrap();
    let board = Board::on(store).await;
    board.post("/api/jobs/followed/cancel", "").await;
    board.post("/api/jobs/own/cancel", "").await;
    board.submit("strange", "hash").await;
    let mut client = Socket::open(board.at, "/ws/client/c1").await;
    let told = [client.until("complete_job").await, client.until("complete_job").await].concat();
    let told: Vec<_> = told.iter().map(|frame| (frame.kind(), frame.data["job_id"].as_str())).collect();
    assert_eq!(
        told,
        [
            ("connection_established", None),
            ("job_accepted", Some("own")),
            ("complete_job", Some("followed")),
            ("complete_job", Some("own")),
        ]
    );
}

#[tokio::test]
async fn a_monitors_id_is_taken_over_and_a_clients_is_shared_by_eight() {
    let board = Board::start().await;
    let mut first = Socket::open(board.at, "/ws/monitor/m1").await;
    first.until("full_state_snapshot").await;
    let mut second = Socket::open(board.at, "/ws/monitor/m1").await;
    second.until("full_state_snapshot").await;
    assert_eq!(first.closed().await.0, 4409);
    drop(first);
    board.submit("j", "hash").await;
    second.until("job_submitted").await;

    let mut clients = Vec::new();
    for _ in 0..9 {
        let mut client = Socket::open(board.at, "/ws/client/c1").await;
        client.message().await;
        clients.push(client);
    }
    assert_eq!(clients[0].closed().await.0, 4409);
    clients[8].say(&json!({ "type": "submit_job", "message_id": "shared", "job_type": "hash" })).await;
    for client in &mut clients[1..] {
        assert_eq!(client.message().await["job_id"], "shared");
    }
}

#[tokio::test]
async fn topics_and_filters_narrow_what_is_told() {
    let board = Board::start().await;
    let mut all = Socket::open(board.at, "/ws/monitor/all").await;
    all.until("full_state_snapshot").await;
    let mut narrow = Socket::open(board.at, "/ws/monitor/narrow?snapshot=0").await;
    narrow.until("connected").await;
    narrow.say(&json!({ "type": "subscribe", "topics": ["jobs:sung"] })).await;
    assert_eq!(narrow.until("error").await.pop().unwrap().data["code"], "bad_field");
    let subscribe = json!({ "type": "subscribe", "id": "s", "topics": ["jobs:status"], "filters": { "job_types": ["hash"], "priority_range": [60, 90] } });
    narrow.say(&subscribe).await;
    let subscribed = narrow.until("subscribed").await.pop().unwrap().data;
    assert_eq!((&subscribed["topics"], &subscribed["message_id"]), (&json!(["jobs:status"]), &json!("s")));
    for (job, service, priority) in [("a", "hash", 50), ("b", "other", 70), ("c", "hash", 70), ("d", "hash", 90)] {
        let body = json!({ "job_id": job, "job_type": service, "priority": priority });
        assert_eq!(board.post("/api/jobs", &body.to_string()).await.status, 201);
    }
    board.worker("w").await;
    board.post("/api/jobs/c/cancel", "").await;
    let told = narrow.until("job_failed").await;
    let about: Vec<_> = told.iter().map(|frame| (frame.kind(), frame.data["job_id"].as_str().unwrap())).collect();
    assert_eq!(
        about,
        [
            ("job_submitted", "c"),
            ("job_unschedulable", "c"),
            ("job_submitted", "d"),
            ("job_unschedulable", "d"),
            ("job_schedulable", "c"),
            ("job_schedulable", "d"),
            ("job_failed", "c"),
        ]
    );
}

#[tokio::test]
async fn a_monitor_asks_for_what_it_missed_and_for_the_whole_state() {
    let board = Board::start().await;
    for job in ["a", "b", "c"] {
        board.submit(job, "hash").await;
    }
    let mut monitor = Socket::open(board.at, "/ws/monitor/m?snapshot=0").await;
    monitor.until("connected").await;
    monitor.say(&json!({ "type": "resync_request", "since_timestamp": 0, "max_events": 2 })).await;
    let page = monitor.until("resync_response").await.pop().unwrap().data;
    let jobs: Vec<_> = page["events"].as_array().unwrap().iter().map(|event| event["type"].clone()).collect();
    assert_eq!((jobs, &page["has_more"]), (vec![json!("job_submitted"), json!("job_unschedulable")], &json!(true)));
    let last = page["events"][1]["event_id"].clone();
    monitor.say(&json!({ "type": "resync_request", "since_event_id": last })).await;
    let rest = monitor.until("resync_response").await.pop().unwrap().data;
    assert_eq!((rest["events"].as_array().unwrap().len(), &rest["has_more"]), (4, &json!(false)));
    monitor.say(&json!({ "type": "request_full_state", "message_id": "f" })).await;
    let state = monitor.until("full_state_snapshot").await.pop().unwrap().data;
    assert_eq!((&state["message_id"], state["data"]["jobs"]["pending"].as_array().unwrap().len()), (&json!("f"), 3));
    monitor.say(&json!({ "type": "heartbeat", "id": 1 })).await;
    let ack = monitor.until("heartbeat_ack").await.pop().unwrap().data;
    assert_eq!((&ack["events_missed"], &ack["monitor_id"]), (&json!(0), &json!("m")));
    monitor.say(&json!({ "type": "resync_request", "since_event_id": "1-1-0000000000000000" })).await;
    assert_eq!(monitor.until("resync").await.pop().unwrap().data["reason"], "diverged");
}

#[tokio::test]
async fn the_older_door_names_its_clients_and_takes_what_stands_under_data() {
    let board = Board::start().await;
    let mut client = Socket::open(board.at, "/ws/whatever").await;
    let connected = client.message().await;
    assert_eq!(connected["type"], "connected");
    assert!(connected["client_id"].as_str().unwrap().starts_with("legacy-"));
    client.say(&json!({ "type": "submit_job", "message_id": "old", "data": { "job_type": "hash" } })).await;
    let both = [client.message().await, client.message().await].map(|message| message["type"].clone());
    assert!(both.contains(&json!("job_submitted")) && both.contains(&json!("job_accepted")), "{both:?}");
}

#[tokio::test]
async fn a_client_follows_its_jobs_over_http_too() {
    let board = Board::start().await;
    let mut stream = board.stream("/api/events/client?client_id=c1", None).await;
    stream.until("connection_established").await;
    let body = json!({ "job_id": "j", "job_type": "hash" }).to_string();
    let answer = crate::http::request(board.at, "POST", "/api/jobs", "X-Client-Id: c1\r\n", &body).await;
    assert_eq!(answer.status, 201);
    board.submit("strange", "hash").await;
    board.post("/api/jobs/j/cancel", "").await;
    let told = stream.until("complete_job").await;
    assert_eq!(kinds(&told), ["job_accepted", "complete_job"]);
    let after_first = told[0].id.clone().unwrap();
    drop(stream);
    let mut again = board.stream("/api/events/client?client_id=c1", Some(&after_first)).await;
    assert_eq!(kinds(&again.until("complete_job").await), ["connection_established", "complete_job"]);
    // Named, it is told its end also without a position.
    let mut named = board.stream("/api/events/client?job_id=j,strange", None).await;
    let told = named.until("complete_job").await;
    assert_eq!(kinds(&told), ["connection_established", "job_accepted", "complete_job"]);
}

/// What a client was told, but for its greeting and what is passing or comes from the clock.
fn transcript(frames: Vec<Frame>) -> Vec<Value> {
    let told = frames.into_iter().map(|frame| frame.data).filter(|data| data["job_id"].is_string());
    told.map(|mut data| {
        for of_the_clock in ["timestamp", "event_id", "message_id"] {
            data.as_object_mut().unwrap().remove(of_the_clock);
        }
        data
    })
    .collect()
}

/// Two jobs: one fails, runs again and completes; one is cancelled while its client is away and the
/// broker restarts.
async fn a_life(over_socket: bool) -> Vec<Value> {
    let store = memory();
    let board = Board::on(store.clone()).await;
    let worker = board.worker("w").await;
    let mut told = Vec::new();
    let jobs = [json!({ "job_type": "hash", "backoff": { "base_ms": 0 } }), json!({ "job_type": "other" })];
    let (mut socket, mut stream, mut last) = (None, None, None);
    if over_socket {
        let mut client = Socket::open(board.at, "/ws/client/c").await;
        for (id, job) in ["runs", "waits"].iter().zip(&jobs) {
            let mut submit = job.clone();
            submit["type"] = json!("submit_job");
            submit["message_id"] = json!(id);
            client.say(&submit).await;
            told.extend(client.until("job_accepted").await);
        }
        socket = Some(client);
    } else {
        let mut client = board.stream("/api/events/client?client_id=c", None).await;
        for (id, job) in ["runs", "waits"].iter().zip(&jobs) {
            let mut submit = job.clone();
            submit["job_id"] = json!(id);
            let answer =
                crate::http::request(board.at, "POST", "/api/jobs", "X-Client-Id: c\r\n", &submit.to_string()).await;
            assert_eq!(answer.status, 201);
            told.extend(client.until("job_accepted").await);
        }
        stream = Some(client);
    }
    for outcome in ["fail", "finish"] {
        let lease = worker.take().await;
        board.report(&lease, "progress", &json!({ "progress": 0.5 })).await;
        let until = async |socket: &mut Option<Socket>, stream: &mut Option<crate::http::Stream>, kind: &str| match (
            socket, stream,
        ) {
            (Some(socket), _) => socket.until(kind).await,
            (_, Some(stream)) => stream.until(kind).await,
            _ => Vec::new(),
        };
        told.extend(until(&mut socket, &mut stream, "update_job_progress").await);
        let (body, kind) = match outcome {
            "fail" => (json!({ "error": "out of luck" }), "job_status_changed"),
            _ => (json!({ "result": { "x": 1 } }), "complete_job"),
        };
        board.report(&lease, outcome, &body).await;
        told.extend(until(&mut socket, &mut stream, kind).await);
        last = told.last().and_then(|frame| frame.id.clone()).or(last);
    }
    drop((socket, stream));
    board.stop().await.unwrap();
    let board = Board::on(store).await;
    board.post("/api/jobs/waits/cancel", "").await;
    let since = last.unwrap();
    let rest = match over_socket {
        true => Socket::open(board.at, &format!("/ws/client/c?since={since}")).await.until("complete_job").await,
        false => board.stream("/api/events/client?client_id=c", Some(&since)).await.until("complete_job").await,
    };
    told.extend(rest);
    transcript(told)
}

#[tokio::test]
async fn a_client_is_told_the_same_over_a_socket_and_over_http() {
    let (over_socket, over_http) = (a_life(true).await, a_life(false).await);
    let kinds: Vec<_> = over_socket.iter().map(|data| data["type"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        [
            "job_accepted",
            "job_accepted",
            "job_assigned",
            "job_status_changed",
            "update_job_progress",
            "job_status_changed",
            "job_assigned",
            "job_status_changed",
            "update_job_progress",
            "complete_job",
            "complete_job",
        ]
    );
    assert_eq!(over_socket, over_http);
}

#[tokio::test]
async fn who_may_not_come_in_is_told_so_over_the_socket() {
    let board = Board::start().await;
    let mut bad = Socket::open(board.at, "/ws/monitor/a%20b").await;
    let (code, why) = bad.closed().await;
    assert_eq!(code, 1008, "{why}");
    assert!(why.contains("monitor_id"), "{why}");
    let head = Socket::try_open(board.at, "/ws/monitor/m?colour=red", "").await.err().unwrap();
    assert!(head.starts_with("HTTP/1.1 400"), "{head}");
    let answer = board.get("/ws/monitor/m").await;
    assert_eq!(answer.problem(), (426, "upgrade_required".to_owned()));
}

#[tokio::test]
async fn connections_are_listed_while_they_last() {
    let board = Board::start().await;
    let mut monitor = Socket::open(board.at, "/ws/monitor/m1").await;
    monitor.until("full_state_snapshot").await;
    let mut client = Socket::open(board.at, "/ws/client/c1").await;
    client.message().await;
    let mut stream = board.stream("/api/events/client?client_id=c1", None).await;
    stream.until("connection_established").await;
    let all = board.get("/api/connections").await.json();
    assert_eq!(all["monitor_connections"][0]["id"], "m1");
    assert_eq!(all["stats"]["clients"], 2);
    assert_eq!(all["websocket_connections"].as_array().unwrap().len(), 2);
    drop((monitor, client, stream));
    board.until("/api/connections", |all| all["stats"]["clients"] == 0 && all["stats"]["monitors"] == 0).await;
}
