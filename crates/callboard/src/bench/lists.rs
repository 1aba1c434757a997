//! `callboard bench lists`: the first page of a list under every filter and every two of them.

use super::args::BenchLists;
use super::fleet::{Fleet, Worker};
use super::load::{Answer, Connection, text_after};
use super::measure::Samples;
use super::process::{Broker, Home};
use super::report::{Figures, Report};
use super::scenario::spread;
use crate::say::note;
use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};
use std::fmt::Write;
use std::net::SocketAddr;
use std::process::ExitCode;
use tokio::time::Instant;

/// The filters, and where a row says what each looks at.
const FILTERS: [(&str, &str); 8] = [
    ("status", "status"),
    ("service", "service_required"),
    ("customer_id", "customer_id"),
    ("workflow_id", "workflow_id"),
    ("worker_id", "worker_id"),
    ("machine_id", "machine_id"),
    ("since", "created_at"),
    ("until", "created_at"),
];

/// Rows of one page from which values to filter by are taken.
const SAMPLE_PAGE: usize = 200;
/// How far back the second such page begins; each goes back twice as far as the one before.
const SAMPLE_STEP_MS: i64 = 1_000;
/// What is asked for where a row has no value: nobody has this one.
const NONE: &str = "none";
const SERVICES: usize = 5;
const CUSTOMERS: usize = 50;
const WORKFLOWS: usize = 400;
const WORKERS: u64 = 32;
/// Of so many jobs one needs a service that nobody runs: it waits.
const WAITS: usize = 50;

type Row = serde_json::Map<String, Value>;

pub(crate) async fn lists(args: BenchLists) -> anyhow::Result<ExitCode> {
    ensure!(
        args.times > 0 && args.all.runs > 0 && (1..=500).contains(&args.limit),
        "--times, --runs: at least 1; --limit: 1 to 500"
    );
    let home = Home::new(args.all.dir.as_ref())?;
    let (address, _broker) = match (&args.broker, &args.store) {
        (Some(url), _) => (address_of(url)?, None),
        (None, Some(store)) => started(Broker::start(store).await?),
        (None, None) => {
            let (address, broker) = started(Broker::start(&home.store()).await?);
            note(&format!("{} jobs are submitted and run", args.jobs));
            fill(address, args.jobs).await?;
            (address, broker)
        }
    };
    let mut connection = Connection::open(address).await?;
    let sample = sample(&mut connection).await?;
    ensure!(!sample.is_empty(), "there is no job to take values from");
    let mut report = Report::new("lists");
    let mut refused = Vec::new();
    for filters in filters() {
        let name = name(&filters);
        let mut asked =
            Asked { connection: &mut connection, filters: &filters, sample: &sample, limit: args.limit, turn: 0 };
        // Once without looking: what is measured is warm.
        if asked.run(1).await?.is_none() {
            refused.push(name);
            continue;
        }
        let mut runs = Vec::new();
        for _ in 0..args.all.runs {
            runs.extend(asked.run(args.times).await?);
        }
        report.add(name, runs);
    }
    if !refused.is_empty() {
        note(&format!("this broker does not know the filters {}", refused.join(", ")));
    }
    report.tell_in_columns(args.all.json)?;
    if let Some((filter, p95_ms)) = report.most("p95_ms") {
        note(&format!("slowest: {filter}, p95 {p95_ms:.1} ms"));
    }
    Ok(ExitCode::SUCCESS)
}

fn started(broker: Broker) -> (SocketAddr, Option<Broker>) {
    (broker.address, Some(broker))
}

fn address_of(url: &str) -> anyhow::Result<SocketAddr> {
    let address = url.trim().trim_start_matches("http://").trim_end_matches('/').replace("localhost", "127.0.0.1");
    address.parse().with_context(|| format!("--broker {url:?}: it looks like http://127.0.0.1:3331"))
}

/// No filter, each, and each two.
fn filters() -> Vec<Vec<usize>> {
    let singles = (0..FILTERS.len()).map(|one| vec![one]);
    let doubles = (0..FILTERS.len()).flat_map(|one| (one + 1..FILTERS.len()).map(move |other| vec![one, other]));
    std::iter::once(Vec::new()).chain(singles).chain(doubles).collect()
}

fn name(filters: &[usize]) -> String {
    let names: Vec<_> = filters.iter().map(|filter| FILTERS[*filter].0).collect();
    if names.is_empty() { "(all)".to_owned() } else { names.join(" + ") }
}

/// One filter or two, asked for with one value after the other.
struct Asked<'a> {
    connection: &'a mut Connection,
    filters: &'a [usize],
    sample: &'a [Row],
    limit: usize,
    turn: usize,
}

impl Asked<'_> {
    /// `None` if the broker does not know the filter.
    async fn run(&mut self, times: usize) -> anyhow::Result<Option<Figures>> {
        let (mut samples, mut rows) = (Samples::default(), 0);
        for _ in 0..times {
            let (values, is_one_job) = self.values();
            let path = path(self.limit, self.filters, &values);
            let asked = Instant::now();
            let answer = self.connection.ask("GET", &path, &[], &[]).await?;
            samples.put(asked.elapsed());
            if answer.status == 400 {
                return Ok(None);
            }
            rows += check(answer, &path, self.filters, &values, is_one_job)?;
        }
        let spread = samples.spread();
        let mut figures = Figures::default();
        figures.put("p50_ms", spread.p50_us / 1e3);
        figures.put("p95_ms", spread.p95_us / 1e3);
        figures.put("max_ms", spread.max_us / 1e3);
        figures.put("rows", rows as f64 / times as f64);
        Ok(Some(figures))
    }

    /// What to filter by: in turn of one job, so that something is found, and of two, so that
    /// perhaps nothing is.
    fn values(&mut self) -> (Vec<String>, bool) {
        self.turn += 1;
        let is_one_job = self.turn.is_multiple_of(2) || self.filters.len() < 2;
        let row = |at: usize| &self.sample[spread(self.turn * 2 + at) % self.sample.len()];
        let value = |(at, filter): (usize, &usize)| {
            let row = if is_one_job { row(0) } else { row(at) };
            value_of(row, *filter)
        };
        (self.filters.iter().enumerate().map(value).collect(), is_one_job)
    }
}

/// What to ask for so that this row passes.
fn value_of(row: &Row, filter: usize) -> String {
    let (name, field) = FILTERS[filter];
    let value = row.get(field).and_then(Value::as_str).unwrap_or(NONE);
    match (name, millisecond(value)) {
        // What came before a time, not at it.
        ("until", Some(created)) => (created + 1).to_string(),
        _ => value.to_owned(),
    }
}

fn millisecond(time: &str) -> Option<i64> {
    time.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
}

/// Whether a row passes. A job is also found by workers and machines of its earlier runs.
fn passes(row: &Value, filter: usize, value: &str) -> bool {
    let (name, field) = FILTERS[filter];
    let found = row[field].as_str().unwrap_or(NONE);
    match name {
        "since" => found >= value,
        "until" => millisecond(found) < value.parse().ok(),
        _ => found == value || row["attempts"].as_array().into_iter().flatten().any(|run| run[field] == value),
    }
}

fn path(limit: usize, filters: &[usize], values: &[String]) -> String {
    let mut path = format!("/api/jobs?limit={limit}");
    for (filter, value) in filters.iter().zip(values) {
        let _ = write!(path, "&{}=", FILTERS[*filter].0);
        for byte in value.bytes() {
            match byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte) {
                true => path.push(char::from(byte)),
                false => drop(write!(path, "%{byte:02X}")),
            }
        }
    }
    path
}

/// The delivery check of a list: every row passes every filter, and a job that has the values is
/// found. Says how many rows there are.
fn check(
    answer: Answer<'_>,
    path: &str,
    filters: &[usize],
    values: &[String],
    is_one_job: bool,
) -> anyhow::Result<usize> {
    ensure!(
        answer.status == 200,
        "{path} was answered with {}: {}",
        answer.status,
        String::from_utf8_lossy(answer.body)
    );
    let page: Value = serde_json::from_slice(answer.body)?;
    let rows = page["jobs"].as_array().context("a list without jobs")?;
    for row in rows {
        for (filter, value) in filters.iter().zip(values) {
            ensure!(passes(row, *filter, value), "{path} gives a job that does not pass: {row}");
        }
    }
    // A status may have changed since the sample was taken; a short page may go on elsewhere; and
    // nothing can be asked of jobs that have no such value.
    let is_certain =
        !filters.contains(&0) && page["next_cursor"].is_null() && !values.iter().any(|value| value == NONE);
    if is_one_job && is_certain && rows.is_empty() && !filters.is_empty() {
        bail!("{path} gives nothing, and a job that has these values was listed before");
    }
    Ok(rows.len())
}

/// Rows of all ages: the newest, and ever further back as far as the broker can go by time.
async fn sample(connection: &mut Connection) -> anyhow::Result<Vec<Row>> {
    let mut rows: Vec<Row> = Vec::new();
    let (mut step, mut until) = (SAMPLE_STEP_MS, String::new());
    loop {
        let path = format!("/api/jobs?limit={SAMPLE_PAGE}{until}");
        let answer = connection.ask("GET", &path, &[], &[]).await?;
        if answer.status != 200 {
            break;
        }
        let page: Value = serde_json::from_slice(answer.body)?;
        let page: Vec<Row> =
            page["jobs"].as_array().into_iter().flatten().filter_map(|row| row.as_object().cloned()).collect();
        let Some(oldest) = page.last().and_then(|row| row["created_at"].as_str()) else { break };
        let oldest = millisecond(oldest).context("a time in a list is none")?;
        until = format!("&until={}", oldest.saturating_sub(step).max(0));
        step = step.saturating_mul(2);
        rows.extend(page);
    }
    Ok(rows)
}

/// Jobs of several services, customers and workflows; most are run, some fail, a few wait.
async fn fill(address: SocketAddr, jobs: usize) -> anyhow::Result<()> {
    let mut connection = Connection::open(address).await?;
    for from in (0..jobs).step_by(1_000) {
        let batch: Vec<_> = (from..jobs.min(from + 1_000)).map(job).collect();
        connection.post("/api/jobs:batch", json!({ "jobs": batch }).to_string().as_bytes()).await?;
    }
    let services: Vec<_> = (0..SERVICES).map(|n| format!("service-{n}")).collect();
    let fleet = Fleet::join_for(address, WORKERS, &services).await?;
    let mut lanes = tokio::task::JoinSet::new();
    for worker in fleet.workers() {
        lanes.spawn(work(address, worker));
    }
    while let Some(lane) = lanes.join_next().await {
        lane??;
    }
    Ok(())
}

fn job(n: usize) -> Value {
    let service =
        if n.is_multiple_of(WAITS) { "service-nobody".to_owned() } else { format!("service-{}", spread(n) % SERVICES) };
    json!({
        "service_required": service,
        "payload": {"n": n},
        "customer_id": format!("customer-{}", spread(n / 3) % CUSTOMERS),
        "workflow_id": format!("workflow-{}", spread(n / 7) % WORKFLOWS),
    })
}

/// Runs jobs until none is left for this worker.
async fn work(address: SocketAddr, worker: Worker) -> anyhow::Result<()> {
    let mut connection = Connection::open(address).await?;
    let mut answer = worker.next(&mut connection, 0, true).await?;
    while let Some(lease) = text_after(answer, "\"lease_id\":\"") {
        // A lease is random: one of sixteen fails.
        let fails = lease.starts_with('0');
        let (verb, body) = match fails {
            true => ("fail", r#"{"error":"out of luck","retry":false}"#),
            false => ("finish", r#"{"result":{}}"#),
        };
        let path = format!("/api/leases/{lease}/{verb}?next=1");
        answer = connection.post(&path, body.as_bytes()).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_filter_and_every_two_are_asked_for() {
        let all = filters();
        assert_eq!(all.len(), 1 + 8 + 28);
        assert_eq!(name(&all[0]), "(all)");
        assert_eq!(name(&all[9]), "status + service");
    }

    #[test]
    fn values_are_written_so_that_the_broker_reads_them_back() {
        let path = path(50, &[1, 2], &["a b".to_owned(), "x=+@".to_owned()]);
        assert_eq!(path, "/api/jobs?limit=50&service=a%20b&customer_id=x%3D%2B%40");
    }

    #[test]
    fn a_row_passes_by_its_own_values_and_no_others() {
        let row = json!({
            "service_required": "a", "created_at": "2026-01-02T00:00:00.500Z", "worker_id": "w2",
            "attempts": [{"worker_id": "w1"}, {"worker_id": "w2"}],
        });
        let own = row.as_object().unwrap();
        for filter in [1, 4, 6, 7] {
            assert!(passes(&row, filter, &value_of(own, filter)), "{}", FILTERS[filter].0);
        }
        assert!(passes(&row, 4, "w1") && !passes(&row, 4, "w3") && !passes(&row, 1, "b"));
        assert!(!passes(&row, 6, "2026-01-02T00:00:00.501Z") && !passes(&row, 7, "1767312000500"));
    }

    #[test]
    fn a_page_with_a_wrong_row_or_without_the_right_one_is_seen() {
        let check = |page: &str, service: &str| {
            let answer = Answer { status: 200, body: page.as_bytes() };
            check(answer, "/", &[1], &[service.to_owned()], true)
        };
        let page = r#"{"jobs":[{"service_required":"a"}]}"#;
        assert_eq!(check(page, "a").unwrap(), 1);
        assert!(check(page, "b").is_err() && check(r#"{"jobs":[]}"#, "a").is_err());
        assert_eq!(check(r#"{"jobs":[],"next_cursor":"7"}"#, "a").unwrap(), 0, "it goes on elsewhere");
    }
}
