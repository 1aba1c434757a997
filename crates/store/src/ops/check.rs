//! Is a store what was written?

use super::database::{Database, failed, is_damage};
use super::journal_check::{self, position};
use super::{OpsError, Places, Report, absolute};
use crate::archive::recount;
use crate::files::{Folders, age};
use crate::{FileHash, Position};
use rusqlite::{Connection, OptionalExtension};
use std::path::Path;
use std::time::Duration;

/// A file that nothing names is a leftover from this age on: before, it may be about to be named.
const UNNAMED_AGE: Duration = Duration::from_secs(60 * 60);

/// The archive may go on and the journal be trimmed between looking at the one and at the other.
const LOOKS_MAX: usize = 5;

/// Reads all that the store at `path` holds, beside the broker that runs on it or without one,
/// and changes nothing. With `deep`, large contents and indexes are read as well. `tell` hears
/// what is begun.
///
/// # Errors
/// What kept it from looking; what it saw is in the report.
pub fn check(path: &Path, deep: bool, tell: &mut dyn FnMut(&str)) -> Result<Report, OpsError> {
    let places = Places::of(&absolute(path)?);
    let mut checking = Checking { places: &places, deep, report: Report::default() };
    let (archive, journal) = checking.look()?;
    tell("reading the journal");
    checking.read(Database::Journal, &journal, |report| journal_check::check(&journal, report))?;
    tell("counting the archive");
    checking.read(Database::Archive, &archive, |report| recount(&archive, report))?;
    if places.search.exists() {
        tell("reading what is searched");
        let search = Database::Search.open(&places.search)?;
        checking.read(Database::Search, &search, |_| Ok(()))?;
    }
    tell("looking for large contents");
    checking.compare_files(&journal)?;
    Ok(checking.report)
}

struct Checking<'a> {
    places: &'a Places,
    deep: bool,
    report: Report,
}

impl Checking<'_> {
    /// The archive and the journal, each on one state that belongs to the other.
    fn look(&mut self) -> Result<(Connection, Connection), OpsError> {
        let mut looks = 0;
        loop {
            let journal = Database::Journal.open(&self.places.journal)?;
            let archive = Database::Archive.open(&self.places.archive)?;
            // First the archive: the journal, looked at later, holds the place where that stands.
            let apart = stand(&archive).and_then(|_| stand(&journal)).and_then(|_| apart(&archive, &journal));
            looks += 1;
            match apart {
                Ok(Some(_)) if looks < LOOKS_MAX => {}
                Ok(None) => return Ok((archive, journal)),
                Ok(Some(why)) => {
                    self.report.damage(why);
                    return Ok((archive, journal));
                }
                Err(error) if is_damage(&error) => {
                    self.report.damage(format!("its databases cannot be compared: {error}; restore a backup"));
                    return Ok((archive, journal));
                }
                Err(error) => return Err(failed(&self.places.journal, &error)),
            }
        }
    }

    /// Reads the pages of `database`, and then what they mean.
    fn read(
        &mut self,
        database: Database,
        db: &Connection,
        meaning: impl FnOnce(&mut Report) -> rusqlite::Result<()>,
    ) -> Result<(), OpsError> {
        let path = self.places.database(database);
        let outcomes = [check_pages(db, self.deep, path, &mut self.report), meaning(&mut self.report)];
        for outcome in outcomes {
            match outcome {
                Err(error) if is_damage(&error) => {
                    self.report
                        .damage(format!("{}: it cannot be read whole: {error}; restore a backup", path.display()));
                }
                outcome => outcome.map_err(|error| failed(path, &error))?,
            }
        }
        Ok(())
    }

    /// Compares the files there are with those that contents name.
    fn compare_files(&mut self, journal: &Connection) -> Result<(), OpsError> {
        let folders = Folders::at(&self.places.files);
        let (mut unnamed, mut unnamed_bytes) = (0, 0);
        for first in 0..=u8::MAX {
            let named = match named(journal, first) {
                Err(error) if is_damage(&error) => return Ok(()),
                named => named.map_err(|error| failed(&self.places.journal, &error))?,
            };
            let there = folders.list(first)?;
            self.report.files += there.len() as u64;
            for file in &named {
                let wrong = match there.binary_search_by_key(file, |(file, _)| *file) {
                    Err(_) => Some(format!("{} is missing", folders.path(*file).display())),
                    Ok(_) if self.deep => folders.get(*file).err().map(|error| error.to_string()),
                    Ok(_) => None,
                };
                // Since we looked, whatever named it may have been removed, and then the file.
                if let Some(wrong) = wrong
                    && self.is_named_still(*file)?
                {
                    self.report.damage(format!("{wrong}, and a content is in it; restore it from a backup"));
                }
            }
            for (_, found) in
                there.iter().filter(|(file, found)| named.binary_search(file).is_err() && age(found) >= UNNAMED_AGE)
            {
                (unnamed, unnamed_bytes) = (unnamed + 1, unnamed_bytes + found.len());
            }
        }
        if unnamed > 0 {
            let path = self.places.files.display();
            self.report.leftover(format!(
                "{path}: {unnamed} files ({unnamed_bytes} bytes) belong to nothing; a running broker removes them"
            ));
        }
        Ok(())
    }

    fn is_named_still(&self, file: FileHash) -> Result<bool, OpsError> {
        let journal = Database::Journal.open(&self.places.journal)?;
        is_named(&journal, file).map_err(|error| failed(&self.places.journal, &error))
    }
}

/// Keeps the connection on the state there is now.
pub(super) fn stand(db: &Connection) -> rusqlite::Result<()> {
    db.execute_batch("BEGIN")?;
    db.query_row("SELECT count(*) FROM meta", (), |_| Ok(()))
}

fn check_pages(db: &Connection, deep: bool, path: &Path, report: &mut Report) -> rusqlite::Result<()> {
    let mut statement = db.prepare(if deep { "PRAGMA integrity_check" } else { "PRAGMA quick_check" })?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        let said: String = row.get(0)?;
        if said != "ok" {
            report.damage(format!("{}: {said}; restore a backup", path.display()));
        }
    }
    Ok(())
}

/// Why the journal does not go on from where the archive stands; `None` if it does.
pub(super) fn apart(archive: &Connection, journal: &Connection) -> rusqlite::Result<Option<String>> {
    let place = "SELECT epoch, seq, hash FROM places ORDER BY id DESC LIMIT 1";
    let place = archive.query_row(place, (), position).optional()?.unwrap_or(Position::START);
    let tail = tail(journal)?;
    let oldest = "SELECT first FROM records ORDER BY last LIMIT 1";
    let oldest: u64 = journal.query_row(oldest, (), |row| row.get(0)).optional()?.unwrap_or(tail.seq + 1);
    let here = "SELECT epoch, last, hash FROM records WHERE last = ?1";
    let here = journal.query_row(here, [place.seq], position).optional()?;
    let (read, end) = (place.seq, tail.seq);
    Ok(if read > end {
        Some(format!(
            "archive: it was read up to event {read}, and the journal ends at event {end}: it lost its tail, \
             or they are of different backups; a broker that starts takes back what ended after it"
        ))
    } else if read.saturating_add(1) < oldest {
        Some(format!(
            "archive: it was read up to event {read}, and the journal begins at event {oldest}: what ended between \
             is in neither; restore a backup"
        ))
    } else if read >= oldest && here != Some(place) {
        Some(format!("archive: it was read up to event {read} of another journal than this; restore a backup"))
    } else {
        None
    })
}

/// Where the journal ends.
pub(super) fn tail(journal: &Connection) -> rusqlite::Result<Position> {
    let tail = "SELECT epoch, last, hash FROM records ORDER BY last DESC LIMIT 1";
    Ok(journal.query_row(tail, (), position).optional()?.unwrap_or(Position::START))
}

/// The files that contents are in and whose names begin with `first`, in order.
pub(super) fn named(journal: &Connection, first: u8) -> rusqlite::Result<Vec<FileHash>> {
    let (mut from, mut to) = ([0; 32], [u8::MAX; 32]);
    (from[0], to[0]) = (first, first);
    let sql = "SELECT DISTINCT file FROM contents WHERE file IS NOT NULL AND file BETWEEN ?1 AND ?2 ORDER BY file";
    let mut statement = journal.prepare_cached(sql)?;
    let named = statement.query_map([from, to], |row| row.get(0).map(FileHash))?;
    named.collect()
}

pub(super) fn is_named(journal: &Connection, file: FileHash) -> rusqlite::Result<bool> {
    journal.query_row("SELECT EXISTS (SELECT 1 FROM contents WHERE file = ?1)", [file.0], |row| row.get(0))
}
