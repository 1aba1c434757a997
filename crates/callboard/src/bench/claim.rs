//! `callboard bench claim`.

use super::args::BenchClaim;
use super::doors;
use super::in_process;
use super::in_process::Run;
use super::measure::{Spread, median};
use super::scenario::Scenario;
use crate::say::{note, say};
use anyhow::ensure;
use serde::Serialize;
use std::process::ExitCode;

/// Through the doors each lease takes three calls, so fewer are measured.
const DOORS_SHARE: usize = 10;
const JOINS: usize = 200;
const EXPLAINS: usize = 1_000;

#[derive(Serialize)]
struct Report {
    workers: usize,
    profiles: usize,
    customers: usize,
    unmatched_sets: usize,
    runs: usize,
    rows: Vec<Row>,
    growth: Vec<Growth>,
}

/// What was measured with so many waiting; medians over the runs.
#[derive(Serialize)]
struct Row {
    through: &'static str,
    waiting: usize,
    claim: Spread,
    join: Spread,
    leave: Spread,
    explain: Spread,
}

/// How much dearer a lease is with the most waiting than with the fewest.
#[derive(Serialize)]
struct Growth {
    through: &'static str,
    from: usize,
    to: usize,
    claim_p50: f64,
    claim_p99: f64,
}

pub(crate) async fn claim(args: BenchClaim) -> anyhow::Result<ExitCode> {
    let scenario = Scenario {
        sets: args.sets.max(1),
        customers: args.customers.max(1),
        profiles: args.profiles.max(1),
        workers: args.workers.max(1),
    };
    ensure!(args.waiting.iter().all(|waiting| *waiting >= 1_000), "--waiting: at least 1000 jobs must wait");
    ensure!(args.runs > 0 && args.claims > 0, "--runs and --claims: at least 1, or there is nothing to measure");
    let mut rows = Vec::new();
    if !args.doors {
        rows.extend(in_process_rows(&args, scenario)?);
    }
    if !args.in_process {
        rows.extend(door_rows(&args, scenario).await?);
    }
    let growth = ["in process", "doors"].into_iter().filter_map(|through| growth(through, &rows)).collect();
    let report = Report {
        workers: scenario.workers,
        profiles: scenario.profiles,
        customers: scenario.customers,
        unmatched_sets: scenario.sets,
        runs: args.runs,
        rows,
        growth,
    };
    match args.json {
        true => say(&serde_json::to_string_pretty(&report)?)?,
        false => tell(&report)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// All boards are filled first and then measured in turn, so that what else the machine does
/// meets them alike.
fn in_process_rows(args: &BenchClaim, scenario: Scenario) -> anyhow::Result<Vec<Row>> {
    let mut boards = Vec::new();
    for waiting in &args.waiting {
        note(&format!("in process: {waiting} jobs are submitted"));
        boards.push((*waiting, in_process::Board::new(scenario, *waiting)?, Vec::new()));
    }
    for run in 1..=args.runs {
        note(&format!("in process: run {run} of {}", args.runs));
        for (_, board, runs) in &mut boards {
            runs.push(board.run(args.claims, JOINS, EXPLAINS)?);
        }
    }
    Ok(boards.into_iter().map(|(waiting, _, runs)| row("in process", waiting, &runs)).collect())
}

async fn door_rows(args: &BenchClaim, scenario: Scenario) -> anyhow::Result<Vec<Row>> {
    let mut boards = Vec::new();
    for waiting in &args.waiting {
        note(&format!("through the doors: {waiting} jobs are submitted"));
        boards.push((*waiting, doors::Board::new(scenario, *waiting).await?, Vec::new()));
    }
    for run in 1..=args.runs {
        note(&format!("through the doors: run {run} of {}", args.runs));
        for (_, board, runs) in &mut boards {
            runs.push(board.run(args.claims.div_ceil(DOORS_SHARE), JOINS, EXPLAINS).await?);
        }
    }
    let mut rows = Vec::new();
    for (waiting, board, runs) in boards {
        board.end().await?;
        rows.push(row("doors", waiting, &runs));
    }
    Ok(rows)
}

fn row(through: &'static str, waiting: usize, runs: &[Run]) -> Row {
    let of = |figure: fn(&Run) -> Spread| median(&runs.iter().map(figure).collect::<Vec<_>>());
    Row {
        through,
        waiting,
        claim: of(|run| run.claim),
        join: of(|run| run.join),
        leave: of(|run| run.leave),
        explain: of(|run| run.explain),
    }
}

fn growth(through: &'static str, rows: &[Row]) -> Option<Growth> {
    let rows = || rows.iter().filter(|row| row.through == through);
    let (few, many) = (rows().min_by_key(|row| row.waiting)?, rows().max_by_key(|row| row.waiting)?);
    Some(Growth {
        through,
        from: few.waiting,
        to: many.waiting,
        claim_p50: many.claim.p50_us / few.claim.p50_us,
        claim_p99: many.claim.p99_us / few.claim.p99_us,
    })
}

fn tell(report: &Report) -> std::io::Result<()> {
    say(&format!(
        "{} workers of {} profiles, {} customers, {} sets of requirements that nobody meets; median of {} runs; µs",
        report.workers, report.profiles, report.customers, report.unmatched_sets, report.runs
    ))?;
    say("through        waiting  what        p50       p99       max")?;
    for row in &report.rows {
        let figures = [("claim", row.claim), ("join", row.join), ("leave", row.leave), ("explain", row.explain)];
        for (what, spread) in figures {
            let (p50, p99, max) = (spread.p50_us, spread.p99_us, spread.max_us);
            say(&format!("{:<12} {:>9}  {what:<8} {p50:>8.1}  {p99:>8.1}  {max:>8.1}", row.through, row.waiting))?;
        }
    }
    for growth in &report.growth {
        say(&format!(
            "{}: a lease with {} waiting costs {:.2} × (p50) and {:.2} × (p99) of one with {}",
            growth.through, growth.to, growth.claim_p50, growth.claim_p99, growth.from
        ))?;
    }
    Ok(())
}
