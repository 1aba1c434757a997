//! `Broker::feed`: what a service in the same process is told, without a socket.

use crate::board::{Board, memory};
use crate::http::{PATIENCE, request};
use broker::{Config, Event, EventId, Feed, JobId, KeepFor, Lost, Of, Subscription, Told, WorkflowId};
use serde_json::{Value, json};
use std::time::Duration;
use store::Keep;

async fn next(subscription: &mut Subscription) -> Option<Told> {
    tokio::time::timeout(PATIENCE, subscription.next()).await.expect("something is told").unwrap()
}

/// The events up to the first that is as it should be.
async fn until(subscription: &mut Subscription, is_so: impl Fn(&Event) -> bool) -> Vec<Event> {
    let mut events = Vec::new();
    loop {
        if let Told::Event(event) = next(subscription).await.expect("it goes on") {
            assert_eq!(subscription.position(), event.id());
            let is_last = is_so(&event);
            events.push(event);
            if is_last {
                return events;
            }
        }
    }
}

fn ids(events: &[Event]) -> Vec<EventId> {
    events.iter().map(Event::id).collect()
}

fn message(event: &Event) -> Value {
    serde_json::from_str(event.json()).unwrap()
}

fn of(job: &str) -> Of {
    Of::Job(JobId::parse(job).unwrap())
}

async fn run(board: &Board, job: &str) {
    let worker = board.worker("w").await;
    board.submit(job, "hash").await;
    let lease = worker.take().await;
    board.report(&lease, "finish", &json!({ "result": { "of": job } })).await;
}

#[tokio::test]
async fn every_step_is_told_as_a_value_and_as_the_message_that_clients_are_sent() {
    let board = Board::start().await;
    let mut told = board.feed.subscribe([Of::All], None).await.unwrap();
    run(&board, "j").await;
    let events = until(&mut told, Event::is_end).await;
    let mut stream = board.stream("/api/jobs/j/events", Some(&events[0].id().to_string())).await;
    let frames = stream.until("complete_job").await;
    let messages: Vec<_> = events.iter().map(message).collect();
    assert_eq!(messages[1..], frames.iter().map(|frame| frame.data.clone()).collect::<Vec<_>>());
    let seqs: Vec<_> = events.iter().map(|event| event.job_seq().unwrap()).collect();
    assert_eq!(seqs, [1, 2, 3, 4]);
    assert!(events.iter().all(|event| event.job().as_str() == "j"));
    assert_eq!(messages[3]["result"]["data"], json!({ "of": "j" }));
    assert_eq!(told.position(), events[3].id());
}

/// What a subscription from each of these places on is told is what came after it.
async fn resumes_from_each(feed: &Feed, all: &[EventId]) {
    for (at, since) in all.iter().enumerate().take(all.len() - 1) {
        let mut rest = feed.subscribe([Of::All], Some(*since)).await.unwrap();
        let last = all[all.len() - 1];
        assert_eq!(ids(&until(&mut rest, |event| event.id() == last).await), all[at + 1..], "after {since}");
    }
}

#[tokio::test]
async fn who_comes_back_goes_on_where_it_was_also_in_the_next_run() {
    let store = memory();
    let board = Board::on(store.clone()).await;
    let mut told = board.feed.subscribe([Of::All], None).await.unwrap();
    run(&board, "a").await;
    let batch = json!({ "jobs": [{ "job_id": "x", "job_type": "t" }, { "job_id": "y", "job_type": "t" }] });
    board.post("/api/jobs:batch", &batch.to_string()).await;
    let mut all = ids(&until(&mut told, |event| event.job().as_str() == "y").await);
    resumes_from_each(&board.feed, &all).await;
    board.stop().await.unwrap();
    assert!(next(&mut told).await.is_none(), "the broker is over");
    // All that it hears after the restart it reads in the journal.
    let kept = told.position();
    let board = Board::on(store).await;
    let mut told = board.feed.subscribe([Of::All], Some(kept)).await.unwrap();
    run(&board, "b").await;
    all.extend(ids(&until(&mut told, |event| event.is_end() && event.job().as_str() == "b").await));
    resumes_from_each(&board.feed, &all).await;
}

#[tokio::test]
async fn only_what_is_followed_is_told() {
    let board = Board::start().await;
    let start = board.feed.subscribe([], None).await.unwrap().position();
    let workflow = broker::PrincipalId::parse("local").unwrap();
    let workflow = Of::Workflow(workflow, WorkflowId::parse("w").unwrap());
    let mut told = board.feed.subscribe([of("a"), workflow.clone()], None).await.unwrap();
    let step = |id: &str| json!({ "job_id": id, "job_type": "t", "workflow_id": "w" }).to_string();
    for job in ["other", "a", "late"] {
        board.submit(job, "t").await;
    }
    board.post("/api/jobs", &step("b")).await;
    for job in ["late", "other"] {
        board.post(&format!("/api/jobs/{job}/cancel"), "{}").await;
    }
    board.post("/api/jobs", &step("c")).await;
    let is_last = |event: &Event| event.job().as_str() == "c";
    let jobs = |events: &[Event]| events.iter().map(|event| event.job().to_string()).collect::<Vec<_>>();
    assert_eq!(jobs(&until(&mut told, |_| true).await), ["a"]);
    // From where it stands, not from what it has taken.
    told.follow(of("late"));
    assert_eq!(jobs(&until(&mut told, is_last).await), ["late", "b", "late", "c"]);
    let mut again = board.feed.subscribe([of("a"), workflow], Some(start)).await.unwrap();
    assert_eq!(jobs(&until(&mut again, is_last).await), ["a", "b", "c"]);
}

#[tokio::test]
async fn one_that_is_not_read_for_long_misses_nothing() {
    const BATCHES: usize = 11;
    let board = Board::start().await;
    let mut told = board.feed.subscribe([Of::All], None).await.unwrap();
    for batch in 0..BATCHES {
        let jobs: Vec<_> =
            (0..1_000).map(|job| json!({ "job_id": format!("{batch}-{job}"), "job_type": "t" })).collect();
        let answer = request(board.at, "POST", "/api/jobs:batch", "", &json!({ "jobs": jobs }).to_string()).await;
        assert_eq!(answer.status, 200);
    }
    // More than is noted for those who follow.
    const { assert!(BATCHES * 1_000 > broker::limits::TRAIL_EVENTS_MAX) };
    let last = format!("{}-999", BATCHES - 1);
    let events = until(&mut told, |event| event.job().as_str() == last).await;
    assert_eq!(events.len(), BATCHES * 1_000);
    assert!(events.windows(2).all(|pair| pair[0].id().seq < pair[1].id().seq));
}

#[tokio::test]
async fn progress_is_told_between_the_events() {
    let board = Board::start().await;
    let worker = board.worker("w").await;
    board.submit("j", "hash").await;
    let mut told = board.feed.subscribe([of("j")], None).await.unwrap();
    let lease = worker.take().await;
    board.report(&lease, "progress", &json!({ "progress": 0.25 })).await;
    let passing = loop {
        if let Told::Passing(message) = next(&mut told).await.unwrap() {
            break serde_json::from_slice::<Value>(&message).unwrap();
        }
    };
    assert_eq!((&passing["type"], &passing["progress"]), (&json!("update_job_progress"), &json!(0.25)));
}

#[tokio::test]
async fn a_place_that_nothing_can_follow_is_said_to_be_none() {
    let store = memory();
    let board = Board::on(store.clone()).await;
    let mut told = board.feed.subscribe([Of::All], None).await.unwrap();
    run(&board, "a").await;
    let first = until(&mut told, Event::is_end).await[0].id();
    let lost = async |feed: &Feed, since| feed.subscribe([Of::All], Some(since)).await.err();
    assert_eq!(lost(&board.feed, EventId { hash: [7; 8], ..first }).await, Some(Lost::Diverged));
    assert_eq!(lost(&board.feed, EventId { seq: 1_000_000, ..first }).await, Some(Lost::Ahead));
    board.stop().await.unwrap();
    // After a restart what happened before is in the journal alone, which is trimmed behind its back.
    let board = Board::on(store.clone()).await;
    let mut left_behind = board.feed.subscribe([Of::All], Some(first)).await.unwrap();
    let all = store.journal.tail().await.unwrap().seq;
    store.journal.trim(Keep { from: all, at_min: i64::MAX, bytes_max: 0 }).await.unwrap();
    assert_eq!(left_behind.next().await.err(), Some(Lost::Expired));
    assert_eq!((left_behind.next().await.err(), left_behind.position()), (Some(Lost::Expired), first));
    board.stop().await.unwrap();
    let nothing_kept = Config {
        ended_kept: Duration::ZERO,
        ended_tail: 0,
        journal_keep: KeepFor { age: Duration::ZERO, bytes: 0 },
        keep_every: Duration::from_millis(5),
        ..Config::default()
    };
    let board = Board::set(store.clone(), nothing_kept).await;
    run(&board, "b").await;
    board.machine("later").await;
    let trimmed = async {
        while store.journal.extent().await.unwrap().oldest <= first.seq {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, trimmed).await.expect("the journal is trimmed");
    assert_eq!(lost(&board.feed, first).await, Some(Lost::Expired));
}
