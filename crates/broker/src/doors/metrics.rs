//! `GET /metrics`: figures for who looks after the broker. No name of a job, worker, customer or
//! token is in them: there would be as many series as names.

use super::Doors;
use super::problem::Refused;
use crate::connections::{Kind, Transport};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use fleet::{Ledger, WorkerStatus};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};
use std::sync::atomic::Ordering::Relaxed;
use store::Room;
use wire::monitor::Upstream;

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub(super) async fn metrics(State(doors): State<Doors>) -> Result<Response, Refused> {
    let mut registry = Registry::with_prefix("callboard");
    registry.register_collector(Box::new(Figures::of(&doors)));
    let mut told = String::new();
    let unwritten = |_| Refused::new(500, "internal", "the figures could not be written down; this is a bug");
    text::encode(&mut told, &registry).map_err(unwritten)?;
    Ok(([(header::CONTENT_TYPE, OPENMETRICS)], told).into_response())
}

type Labels = Vec<(&'static str, &'static str)>;

#[derive(Debug)]
struct Figures(Vec<Figure>);

#[derive(Debug)]
struct Figure {
    name: &'static str,
    help: &'static str,
    unit: Option<Unit>,
    value: Value,
}

#[derive(Debug)]
enum Value {
    Gauge(Vec<(Labels, u64)>),
    Counter(Vec<(Labels, u64)>),
    Histogram { sum: f64, buckets: Vec<(f64, u64)> },
}

impl Figures {
    fn of(doors: &Doors) -> Figures {
        let mut figures = Figures(Vec::new());
        figures.fleet(doors);
        figures.watchers(doors);
        figures.deciding(doors);
        figures
    }

    fn fleet(&mut self, doors: &Doors) {
        let (tally, workers) = {
            let view = doors.desk.feed.view();
            (view.ledger.tally(), workers(&view.ledger))
        };
        let of = |label, name, count| (vec![(label, name)], count);
        let jobs = [("pending", tally.pending), ("assigned", tally.assigned), ("in_progress", tally.in_progress)];
        let jobs = jobs.map(|(status, count)| of("status", status, count)).into();
        self.put("jobs", "Jobs that have not ended", None, Value::Gauge(jobs));
        let ended = [("completed", tally.completed), ("failed", tally.failed), ("cancelled", tally.cancelled)];
        let ended = ended.map(|(outcome, count)| of("outcome", outcome, count)).into();
        self.put("jobs_ended", "Jobs that ended, since the store began", None, Value::Counter(ended));
        let workers = workers.map(|(status, count)| of("status", status, count)).into();
        self.put("workers", "Workers", None, Value::Gauge(workers));
        self.gauge("machines", "Machines", None, tally.machines);
    }

    fn watchers(&mut self, doors: &Doors) {
        let feed = &doors.desk.feed;
        let (head, all) = (feed.position().seq, doors.connections.all());
        let kinds = [
            (Kind::Monitor, Transport::Socket),
            (Kind::Monitor, Transport::Sse),
            (Kind::Client, Transport::Socket),
            (Kind::Client, Transport::Sse),
            (Kind::Legacy, Transport::Socket),
        ];
        let connections = kinds.map(|(kind, transport)| {
            let is_one = |watches: &crate::connections::Watches| (watches.kind, watches.transport) == (kind, transport);
            let count = all.iter().filter(|watcher| is_one(&watcher.watches)).count();
            (vec![("kind", kind.word()), ("transport", transport.word())], count as u64)
        });
        self.put("connections", "Open streams and sockets", None, Value::Gauge(connections.into()));
        let queued = all.iter().map(|watcher| watcher.queued.load(Relaxed)).sum();
        self.gauge("watchers_queued", "What waits for watchers' sockets to take it", Some(Unit::Bytes), queued);
        let slowest = all.iter().map(|watcher| watcher.lag(head)).max().unwrap_or(0);
        self.gauge("watchers_lag_max", "How far the slowest watcher is behind", events(), slowest);
        self.counter("events", "Events told, since the store began", head);
        let lag = head.saturating_sub(feed.archived.load(Relaxed));
        self.gauge("archive_lag", "What the archive has not read", events(), lag);
    }

    fn deciding(&mut self, doors: &Doors) {
        let (metrics, desk) = (&doors.metrics, &doors.desk);
        let buckets = metrics.appends();
        self.counter("batches_written", "Batches of events written", buckets.iter().map(|(_, count)| count).sum());
        self.counter("asks_decided", "Requests decided", metrics.asks_decided());
        let appends = Value::Histogram { sum: metrics.append_seconds(), buckets };
        self.put("append", "How long a batch took until it was durable", Some(Unit::Seconds), appends);
        let refusals = metrics.refusals().into_iter().map(|(code, count)| (vec![("code", code)], count)).collect();
        self.put("requests_refused", "Requests and messages answered with a problem", None, Value::Counter(refusals));
        let inbox = desk.inbox.max_capacity() - desk.inbox.capacity();
        self.gauge("inbox_length", "Requests that wait to be decided", None, inbox as u64);
        let is_full = desk.store.journal.room() != Room::Enough;
        self.gauge("store_full", "1: no jobs are taken until there is room on disk", None, u64::from(is_full));
        let is_up = desk.feed.upstream_state().upstream == Upstream::Live;
        self.gauge("store_up", "0: the store is away, nothing is decided", None, u64::from(is_up));
        let started = metrics.started_at.0.max(0).unsigned_abs() / 1_000;
        self.gauge("start_time", "When this process began, Unix time", Some(Unit::Seconds), started);
    }

    fn gauge(&mut self, name: &'static str, help: &'static str, unit: Option<Unit>, value: u64) {
        self.put(name, help, unit, Value::Gauge(vec![(Labels::new(), value)]));
    }

    fn counter(&mut self, name: &'static str, help: &'static str, value: u64) {
        self.put(name, help, None, Value::Counter(vec![(Labels::new(), value)]));
    }

    fn put(&mut self, name: &'static str, help: &'static str, unit: Option<Unit>, value: Value) {
        self.0.push(Figure { name, help, unit, value });
    }
}

fn events() -> Option<Unit> {
    Some(Unit::Other("events".to_owned()))
}

fn workers(ledger: &Ledger) -> [(&'static str, u64); 5] {
    let (mut idle, mut busy, mut draining, mut error, mut offline) = (0, 0, 0, 0, 0);
    for worker in ledger.workers() {
        *match ledger.worker_status(worker) {
            WorkerStatus::Idle => &mut idle,
            WorkerStatus::Busy => &mut busy,
            WorkerStatus::Draining => &mut draining,
            WorkerStatus::Error => &mut error,
            WorkerStatus::Offline => &mut offline,
        } += 1;
    }
    [("idle", idle), ("busy", busy), ("draining", draining), ("error", error), ("offline", offline)]
}

impl Collector for Figures {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), std::fmt::Error> {
        for Figure { name, help, unit, value } in &self.0 {
            let kind = match value {
                Value::Gauge(_) => MetricType::Gauge,
                Value::Counter(_) => MetricType::Counter,
                Value::Histogram { .. } => MetricType::Histogram,
            };
            let mut metric = encoder.encode_descriptor(name, help, unit.as_ref(), kind)?;
            let mut each = |samples: &[(Labels, u64)], encode: fn(&mut MetricEncoder, &u64) -> std::fmt::Result| {
                samples.iter().try_for_each(|(labels, value)| match labels.is_empty() {
                    true => encode(&mut metric, value),
                    false => encode(&mut metric.encode_family(labels)?, value),
                })
            };
            match value {
                Value::Gauge(samples) => each(samples, |one, value| one.encode_gauge(value))?,
                Value::Counter(samples) => {
                    each(samples, |one, value| one.encode_counter::<NoLabelSet, _, f64>(value, None))?;
                }
                Value::Histogram { sum, buckets } => {
                    let count = buckets.iter().map(|(_, count)| count).sum();
                    metric.encode_histogram::<NoLabelSet>(*sum, count, buckets, None)?;
                }
            }
        }
        Ok(())
    }
}
