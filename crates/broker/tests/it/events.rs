//! `/api/events/monitor` and `/api/jobs/{id}/events`: what is told, and coming back to it.

use crate::board::{Board, memory};
use crate::http::{Frame, request};
use serde_json::json;

fn kinds(frames: &[Frame]) -> Vec<&str> {
    let told = frames.iter().filter(|frame| frame.kind() != "system_stats");
    told.map(Frame::kind).collect()
}

fn seq(frame: &Frame) -> Option<u64> {
    frame.id.as_ref()?.split('-').nth(1)?.parse().ok()
}

#[tokio::test]
async fn a_monitor_is_given_the_state_and_then_all_that_happens() {
    let board = Board::start().await;
    board.submit("before", "hash").await;
    let mut monitor = board.stream("/api/events/monitor", None).await;
    let first = monitor.until("full_state_snapshot").await;
    assert_eq!(kinds(&first), ["connected", "full_state_snapshot"]);
    let snapshot = first.last().unwrap();
    assert_eq!(snapshot.data["data"]["jobs"]["pending"][0]["id"], "before");
    assert_eq!(snapshot.id.as_deref(), snapshot.data["event_id"].as_str());
    let worker = board.worker("w").await;
    let lease = worker.take().await;
    board.report(&lease, "finish", &json!({ "result": { "x": 1 } })).await;
    let mut told = monitor.until("complete_job").await;
    told.push(monitor.until("worker_status_changed").await.pop().unwrap());
    assert_eq!(
        kinds(&told),
        [
            "machine_startup",
            "worker_connected",
            "job_schedulable",
            "job_assigned",
            "worker_status_changed",
            "job_status_changed",
            "complete_job",
            "worker_status_changed",
        ]
    );
    let numbers: Vec<_> = std::iter::once(snapshot).chain(&told).filter_map(seq).collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "no gap and no repeat: {numbers:?}");
    let complete = told.iter().find(|frame| frame.kind() == "complete_job").unwrap();
    assert_eq!(complete.data["result"], json!({ "x": 1 }));
}

#[tokio::test]
async fn a_monitor_that_comes_back_goes_on_where_it_was_also_inside_a_batch() {
    let store = memory();
    let board = Board::on(store.clone()).await;
    let mut monitor = board.stream("/api/events/monitor", None).await;
    let worker = board.worker("w").await;
    board.submit("j", "hash").await;
    let lease = worker.take().await;
    board.report(&lease, "finish", &json!({ "result": 1 })).await;
    let all = monitor.until("complete_job").await;
    drop(monitor);
    // The same history from memory, and after a restart from the journal.
    let durable: Vec<Frame> = all.into_iter().filter(|frame| frame.data.get("event_id").is_some()).collect();
    for restarted in [false, true] {
        let again;
        let board = if restarted {
            again = Board::on(store.clone()).await;
            &again
        } else {
            &board
        };
        for (at, frame) in durable.iter().enumerate() {
            let Some(id) = frame.id.as_deref().filter(|_| at + 1 < durable.len()) else { continue };
            let mut back = board.stream("/api/events/monitor", Some(id)).await;
            let told = back.until("complete_job").await;
            let ids = |frames: &[Frame]| frames.iter().filter_map(|frame| frame.id.clone()).collect::<Vec<_>>();
            assert_eq!(ids(&told), ids(&durable[at + 1..]), "restarted: {restarted}, after {id}");
            let results: Vec<_> =
                told.iter().filter(|f| f.kind() == "complete_job").map(|f| &f.data["result"]).collect();
            assert_eq!(results, [&json!(1)]);
        }
    }
}

#[tokio::test]
async fn a_position_that_is_not_ours_is_answered_with_a_reason_and_a_snapshot() {
    let board = Board::start().await;
    board.submit("a", "hash").await;
    let event = board.submit("b", "hash").await["event_id"].as_str().unwrap().to_owned();
    let (epoch, rest) = event.split_once('-').unwrap();
    let (number, hash) = rest.split_once('-').unwrap();
    for (id, reason) in [
        ("yesterday".to_owned(), "malformed"),
        (format!("{epoch}-99-{hash}"), "ahead"),
        (format!("{epoch}-{number}-0000000000000000"), "diverged"),
        (format!("1-{number}-{hash}"), "diverged"),
        ("0-0-1111111111111111".to_owned(), "diverged"),
    ] {
        let mut monitor = board.stream("/api/events/monitor", Some(&id)).await;
        let told = monitor.until("full_state_snapshot").await;
        assert_eq!(kinds(&told), ["connected", "resync", "full_state_snapshot"], "{id}");
        assert_eq!(told[1].data["reason"], reason, "{id}");
    }
}

#[tokio::test]
async fn topics_narrow_what_is_told_and_an_unknown_one_is_refused() {
    let board = Board::start().await;
    let mut monitor = board.stream("/api/events/monitor?topics=machines&snapshot=0", None).await;
    board.submit("j", "hash").await;
    board.machine("m").await;
    assert_eq!(kinds(&monitor.until("machine_startup").await), ["connected", "machine_startup"]);
    let answer = board.get("/api/events/monitor?topics=weather").await;
    assert_eq!(answer.problem(), (400, "bad_field".to_owned()));
    let answer = board.get("/api/events/monitor?colours=red").await;
    assert!(answer.text.contains("unknown field `colours`"), "{}", answer.text);
}

#[tokio::test]
async fn a_job_s_stream_tells_its_story_and_ends_with_it() {
    let board = Board::start().await;
    let worker = board.worker("w").await;
    board.submit("j", "hash").await;
    let mut stream = board.stream("/api/jobs/j/events", None).await;
    let accepted = stream.until("job_accepted").await.pop().unwrap();
    let lease = worker.take().await;
    stream.until("job_status_changed").await;
    board.report(&lease, "progress", &json!({ "progress": 0.5 })).await;
    assert_eq!(stream.until("update_job_progress").await.last().unwrap().data["progress"], 0.5);
    board.report(&lease, "finish", &json!({ "result": { "x": 1 } })).await;
    let last = stream.rest().await.pop().unwrap();
    assert_eq!(last.data["result"], json!({ "status": "success", "data": { "x": 1 } }));
    let mut back = board.stream("/api/jobs/j/events", accepted.id.as_deref()).await;
    assert_eq!(kinds(&back.rest().await), ["job_assigned", "job_status_changed", "complete_job"]);
    assert_eq!(board.stream("/api/jobs/j/events", last.id.as_deref()).await.status, 204, "there is nothing left");
    let mut late = board.stream("/api/jobs/j/events", None).await;
    assert_eq!(kinds(&late.rest().await), ["complete_job"]);
    assert_eq!(board.stream("/api/jobs/nobody/events", None).await.status, 404);
}

/// The view is a moment ahead of the log; a watcher that comes back in that moment missed nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watcher_that_has_seen_the_end_is_never_told_it_again_however_busy_the_board_is() {
    let board = Board::start().await;
    let worker = board.worker("w").await;
    board.submit("j", "hash").await;
    let lease = worker.take().await;
    board.report(&lease, "finish", &json!({ "result": 1 })).await;
    let at = board.at;
    let busy = tokio::spawn(async move {
        for n in 0..400 {
            request(at, "POST", "/api/jobs", "", &json!({ "job_id": format!("b{n}"), "job_type": "x" }).to_string())
                .await;
        }
    });
    let mut position = board.stream("/api/jobs/j/events", None).await.rest().await.pop().unwrap().id;
    while !busy.is_finished() {
        assert_eq!(board.stream("/api/jobs/j/events", position.as_deref()).await.status, 204);
        // The head, as a bookmark tells it.
        position = board.get("/health").await.json()["store"]["event_id"].as_str().map(str::to_owned);
    }
}

#[tokio::test]
async fn a_job_s_stream_resumes_after_a_restart_without_gap_or_repeat() {
    let store = memory();
    let board = Board::on(store.clone()).await;
    let worker = board.worker("w").await;
    board.submit("j", "hash").await;
    board.submit("other", "hash").await;
    let mut stream = board.stream("/api/jobs/j/events", None).await;
    let lease = worker.take().await;
    let seen = stream.until("job_status_changed").await.pop().unwrap();
    // The first broker is cut off in the middle: the second one takes its store.
    let second = Board::on(store).await;
    let mut back = second.stream("/api/jobs/j/events", seen.id.as_deref()).await;
    assert_eq!(second.report(&lease, "finish", &json!({ "result": 1 })).await.status, 200, "the lease is still held");
    assert_eq!(kinds(&back.rest().await), ["complete_job"]);
}

#[tokio::test]
async fn a_stop_says_goodbye_to_streams_and_to_those_who_wait() {
    let board = Board::start().await;
    let (at, session) = (board.at, board.worker("w").await.session);
    let mut monitor = board.stream("/api/events/monitor", None).await;
    monitor.until("full_state_snapshot").await;
    let headers = format!("X-Worker-Session: {session}\r\n");
    let waiting = request(at, "POST", "/api/workers/w/next?wait_ms=60000", &headers, "{}");
    let stop = async move {
        while board.get("/health").await.json()["connections"]["workers"] != 1 {}
        board.stop().await
    };
    let (answer, stopped) = tokio::join!(waiting, stop);
    assert_eq!(answer.status, 204);
    stopped.unwrap();
    monitor.rest().await;
}

#[tokio::test]
async fn one_of_several_states_is_no_place_to_come_back_to() {
    let board = Board::start().await;
    for job in ["a", "b"] {
        board.submit(job, "hash").await;
    }
    let mut stream = board.stream("/api/events/client?job_id=a,b", None).await;
    let told = stream.until("job_accepted").await;
    // Cut off here, it would come back without a position, and be told of both again.
    assert_eq!(told.iter().map(|frame| frame.id.as_deref()).collect::<Vec<_>>(), [None, None]);
    let second = stream.next().await.unwrap();
    assert_eq!((second.data["job_id"].as_str(), second.id), (Some("b"), None));
    board.post("/api/jobs/a/cancel", "{}").await;
    assert!(stream.until("complete_job").await.pop().unwrap().id.is_some());
}
