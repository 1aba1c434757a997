//! How much a store holds.

use super::database::{Database, failed};
use super::{OpsError, Places, absolute, beside};
use crate::files::{Folders, weather};
use crate::sqlite::free;
use rusqlite::{Connection, OptionalExtension};
use std::collections::BTreeMap;
use std::path::Path;

/// Sizes in bytes, times in Unix milliseconds.
#[derive(Clone, Default, Debug)]
pub struct Stats {
    /// The first event that can be read, when it was decided, and when the last one was.
    pub oldest: u64,
    pub oldest_at: Option<i64>,
    pub newest_at: Option<i64>,
    /// The last event.
    pub newest: u64,
    pub records: u64,
    pub records_bytes: u64,
    /// Of the database with its log, as on disk; it holds records, contents and the checkpoint.
    pub journal_bytes: u64,
    pub checkpoint: Option<CheckpointStats>,
    pub contents: u64,
    pub contents_bytes: u64,
    /// Large contents.
    pub files: u64,
    pub files_bytes: u64,
    pub entries: u64,
    /// By group and word, all days together.
    pub entries_by: BTreeMap<(String, String), u64>,
    /// Of entries whose contents are still kept.
    pub entries_contents_bytes: u64,
    /// Ends of the oldest and the newest entry.
    pub ended_from: Option<i64>,
    pub ended_to: Option<i64>,
    /// The event up to which the archive has read.
    pub archive_at: u64,
    pub archive_bytes: u64,
    /// `None` if no texts are kept.
    pub search_bytes: Option<u64>,
    pub reserve_bytes: u64,
    /// What this user may still take of the disk.
    pub free_bytes: u64,
}

/// The newest checkpoint.
#[derive(Clone, Debug)]
pub struct CheckpointStats {
    pub seq: u64,
    pub parts: u64,
    pub bytes: u64,
}

/// How much the store at `path` holds. Every inline content is passed over, which takes its time
/// in a large store.
///
/// # Errors
/// `Refused` if there is no store, or a part of it cannot be read.
pub fn stats(path: &Path) -> Result<Stats, OpsError> {
    let places = Places::of(&absolute(path)?);
    let (journal, archive) = (Database::Journal.open(&places.journal)?, Database::Archive.open(&places.archive)?);
    let mut stats = of_places(&places)?;
    of_journal(&journal, &mut stats).map_err(|error| failed(&places.journal, &error))?;
    of_archive(&archive, &mut stats).map_err(|error| failed(&places.archive, &error))?;
    Ok(stats)
}

fn of_places(places: &Places) -> Result<Stats, OpsError> {
    let size = |path: &Path| path.metadata().map_or(0, |found| found.len());
    let with_log = |path: &Path| size(path) + size(&beside(path, "-wal"));
    let folder = places.journal.parent().unwrap_or(Path::new("/"));
    let (mut files, mut files_bytes) = (0, 0);
    let folders = Folders::at(&places.files);
    for first in 0..=u8::MAX {
        for (_, found) in folders.list(first)? {
            (files, files_bytes) = (files + 1, files_bytes + found.len());
        }
    }
    Ok(Stats {
        files,
        files_bytes,
        journal_bytes: with_log(&places.journal),
        archive_bytes: with_log(&places.archive),
        search_bytes: places.search.exists().then(|| with_log(&places.search)),
        reserve_bytes: size(&places.reserve),
        free_bytes: free(folder).map_err(|error| weather(folder, &error))?,
        ..Stats::default()
    })
}

fn of_journal(db: &Connection, stats: &mut Stats) -> rusqlite::Result<()> {
    let end = |order: &str| {
        let sql = format!("SELECT first, last, at, total, length(bytes) FROM records ORDER BY last {order} LIMIT 1");
        let end = |row: &rusqlite::Row<'_>| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get::<_, u64>(3)?, row.get::<_, u64>(4)?))
        };
        db.query_row(&sql, (), end).optional()
    };
    if let (Some((first, _, from, before, bytes)), Some((_, last, to, total, _))) = (end("ASC")?, end("DESC")?) {
        (stats.oldest, stats.newest) = (first, last);
        (stats.oldest_at, stats.newest_at) = (Some(from), Some(to));
        stats.records_bytes = (total + bytes).saturating_sub(before);
    }
    stats.records = db.query_row("SELECT count(*) FROM records", (), |row| row.get(0))?;
    let contents = "SELECT count(*), ifnull(sum(length(bytes)), 0) FROM contents WHERE file IS NULL";
    (stats.contents, stats.contents_bytes) = db.query_row(contents, (), pair)?;
    let newest = "SELECT seq FROM checkpoints WHERE state = 'confirmed' ORDER BY layer DESC LIMIT 1";
    if let Some(seq) = db.query_row(newest, (), |row| row.get(0)).optional()? {
        let parts = "SELECT count(*), ifnull(sum(length(key) + length(bytes)), 0) FROM parts
                     WHERE layer IN (SELECT layer FROM checkpoints WHERE state = 'confirmed')";
        let (parts, bytes) = db.query_row(parts, (), pair)?;
        stats.checkpoint = Some(CheckpointStats { seq, parts, bytes });
    }
    Ok(())
}

fn of_archive(db: &Connection, stats: &mut Stats) -> rusqlite::Result<()> {
    (stats.entries, stats.entries_contents_bytes) =
        db.query_row("SELECT entries, content_bytes FROM meta", (), pair)?;
    let mut by = db.prepare("SELECT of_group, word, sum(count) FROM counts GROUP BY of_group, word")?;
    let by = by.query_map((), |row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?)))?;
    stats.entries_by = by.collect::<rusqlite::Result<_>>()?;
    let end = |order: &str| {
        let sql = format!("SELECT ended FROM rows ORDER BY seq {order} LIMIT 1");
        db.query_row(&sql, (), |row| row.get(0)).optional()
    };
    (stats.ended_from, stats.ended_to) = (end("ASC")?, end("DESC")?);
    let place = "SELECT seq FROM places ORDER BY id DESC LIMIT 1";
    stats.archive_at = db.query_row(place, (), |row| row.get(0)).optional()?.unwrap_or(0);
    Ok(())
}

fn pair(row: &rusqlite::Row<'_>) -> rusqlite::Result<(u64, u64)> {
    Ok((row.get(0)?, row.get(1)?))
}
