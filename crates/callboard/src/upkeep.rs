//! `callboard store`.

use crate::args::{Store, StoreBackup, StoreCheck, StoreRestore, StoreStats};
use crate::say::{note, say};
use serde_json::json;
use std::io;
use std::process::ExitCode;
use store::ops::{self, Report, Stats};

/// Something is damaged or lost; it was done all the same.
const DAMAGED: u8 = 1;
/// It was not done.
const NOT_DONE: u8 = 2;

/// Blocks until it is done.
pub(crate) fn run(verb: Store) -> anyhow::Result<ExitCode> {
    let done = match verb {
        Store::Check(args) => check(&args),
        Store::Backup(args) => backup(&args),
        Store::Restore(args) => restore(&args),
        Store::Stats(args) => stats(&args),
    };
    match done {
        Ok(is_sound) => Ok(if is_sound { ExitCode::SUCCESS } else { ExitCode::from(DAMAGED) }),
        // Nobody reads what we print; that is no failure of the store.
        Err(error) if error.is::<io::Error>() => Err(error),
        Err(error) => {
            note(&format!("callboard: {error:#}"));
            Ok(ExitCode::from(NOT_DONE))
        }
    }
}

fn check(args: &StoreCheck) -> anyhow::Result<bool> {
    let report = ops::check(&args.store, args.deep, &mut note)?;
    tell(&report)?;
    note("comparing what is alive with what has ended");
    let examined = broker::examine(&ops::Meaning::of(&args.store)?)?;
    say(&format!("{} jobs alive, {} ended", examined.alive, examined.ended))?;
    examined.findings.iter().try_for_each(|finding| say(finding))?;
    if examined.untold > 0 {
        say(&format!("and {} more", examined.untold))?;
    }
    let is_sound = report.is_sound() && examined.findings.is_empty();
    say(if is_sound { "sound" } else { "damaged" })?;
    Ok(is_sound)
}

fn backup(args: &StoreBackup) -> anyhow::Result<bool> {
    let backed_up = ops::backup(&args.store, &args.file, &mut note)?;
    let (manifest, file) = (&backed_up.manifest, args.file.display());
    say(&format!("{file}: everything up to event {}, {}", manifest.tail.seq, size(manifest.bytes())))?;
    if backed_up.lost > 0 {
        say(&format!("{} large contents are missing or damaged in the store and not in the backup", backed_up.lost))?;
    }
    Ok(backed_up.lost == 0)
}

fn restore(args: &StoreRestore) -> anyhow::Result<bool> {
    let (manifest, report) = ops::restore(&args.file, &args.store, &mut note)?;
    let (seq, path) = (manifest.tail.seq, args.store.display());
    say(&format!("restored up to event {seq}; go on with: callboard serve --store sqlite:{path}"))?;
    tell(&report)?;
    say(if report.is_sound() { "sound" } else { "damaged" })?;
    Ok(report.is_sound())
}

/// What was looked at, what was found, and what that comes to.
fn tell(report: &Report) -> io::Result<()> {
    let Report { records, contents, files, entries, .. } = report;
    say(&format!("{records} records, {contents} contents, {files} files, {entries} entries of the archive"))?;
    for finding in report.findings() {
        say(&finding.to_string())?;
    }
    if report.untold() > 0 {
        say(&format!("and {} more", report.untold()))?;
    }
    Ok(())
}

fn stats(args: &StoreStats) -> anyhow::Result<bool> {
    let stats = ops::stats(&args.store)?;
    match args.json {
        true => say(&serde_json::to_string_pretty(&as_json(&stats))?)?,
        false => lines(&stats).iter().try_for_each(|line| say(line))?,
    }
    Ok(true)
}

fn lines(stats: &Stats) -> Vec<String> {
    let span = |from, to| format!("{} to {}", time(from), time(to));
    let mut lines = vec![format!(
        "events      {} to {} in {} records ({}), {}",
        stats.oldest,
        stats.newest,
        stats.records,
        size(stats.records_bytes),
        span(stats.oldest_at, stats.newest_at)
    )];
    lines.push(match &stats.checkpoint {
        Some(at) => format!("checkpoint  at event {}: {} parts ({})", at.seq, at.parts, size(at.bytes)),
        None => "checkpoint  none yet".to_owned(),
    });
    let (contents, files) = (size(stats.contents_bytes), size(stats.files_bytes));
    lines.push(format!(
        "contents    {} ({contents}) in the journal, {} ({files}) in files",
        stats.contents, stats.files
    ));
    lines.push(format!(
        "archive     {} entries up to event {}, ended {}, their contents {}",
        stats.entries,
        stats.archive_at,
        span(stats.ended_from, stats.ended_to),
        size(stats.entries_contents_bytes)
    ));
    let by = |((group, word), count): (&(String, String), &u64)| format!("              {count} {word} of {group}");
    lines.extend(stats.entries_by.iter().map(by));
    lines.push(format!(
        "on disk     journal {}, archive {}, search {}, files {files}, reserve {}; free {}",
        size(stats.journal_bytes),
        size(stats.archive_bytes),
        stats.search_bytes.map_or_else(|| "off".to_owned(), size),
        size(stats.reserve_bytes),
        size(stats.free_bytes)
    ));
    lines
}

fn as_json(stats: &Stats) -> serde_json::Value {
    let at = |time: Option<i64>| time.map(|time| self::time(Some(time)));
    let by =
        stats.entries_by.iter().map(|((group, word), count)| json!({"group": group, "word": word, "count": count}));
    let checkpoint = stats.checkpoint.as_ref().map(|at| json!({"seq": at.seq, "parts": at.parts, "bytes": at.bytes}));
    json!({
        "events": {
            "oldest": stats.oldest, "oldest_at": at(stats.oldest_at),
            "newest": stats.newest, "newest_at": at(stats.newest_at),
            "records": stats.records, "bytes": stats.records_bytes,
        },
        "checkpoint": checkpoint,
        "contents": {
            "inline": stats.contents, "inline_bytes": stats.contents_bytes,
            "files": stats.files, "files_bytes": stats.files_bytes,
        },
        "archive": {
            "entries": stats.entries, "by": by.collect::<Vec<_>>(), "contents_bytes": stats.entries_contents_bytes,
            "ended_from": at(stats.ended_from), "ended_to": at(stats.ended_to), "seq": stats.archive_at,
        },
        "disk_bytes": {
            "journal": stats.journal_bytes, "archive": stats.archive_bytes, "search": stats.search_bytes,
            "files": stats.files_bytes, "reserve": stats.reserve_bytes, "free": stats.free_bytes,
        },
    })
}

/// As people read it, in UTC.
fn time(at: Option<i64>) -> String {
    let at = at.and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
    at.map_or_else(|| "never".to_owned(), |at| at.to_string())
}

fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let mut size = bytes as f64;
    let mut unit = "B";
    for larger in UNITS {
        if size < 1024.0 {
            break;
        }
        (size, unit) = (size / 1024.0, larger);
    }
    if unit == "B" { format!("{bytes} B") } else { format!("{size:.1} {unit}") }
}
