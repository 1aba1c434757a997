//! What a store says, for one who knows what it means.

use super::check::stand;
use super::database::{Database, failed};
use super::{OpsError, Places, absolute};
use crate::Part;
use crate::sqlite::newest_parts;
use rusqlite::{Connection, OptionalExtension};
use std::path::Path;

/// Bytes of the checkpoint read at once.
const PAGE_BYTES_MAX: usize = 4 << 20;

/// One state of a store's archive, and one of its journal that is not earlier. Nothing is changed,
/// and a broker may go on meanwhile.
pub struct Meaning {
    places: Places,
    archive: Connection,
    journal: Connection,
}

impl Meaning {
    /// Of the store at `path`.
    ///
    /// # Errors
    /// `Refused` if there is none, or it cannot be read.
    pub fn of(path: &Path) -> Result<Meaning, OpsError> {
        let places = Places::of(&absolute(path)?);
        let archive = Database::Archive.open(&places.archive)?;
        let journal = Database::Journal.open(&places.journal)?;
        stand(&archive).map_err(|error| failed(&places.archive, &error))?;
        stand(&journal).map_err(|error| failed(&places.journal, &error))?;
        Ok(Meaning { places, archive, journal })
    }

    /// The parts of the newest checkpoint in the order of their keys, then the records after it:
    /// what a start would read.
    pub fn story(&self, take: &mut dyn FnMut(&[u8])) -> Result<(), OpsError> {
        let (mut after, mut at) = (None, 0);
        loop {
            let found = newest_parts(&self.journal, after.as_deref(), PAGE_BYTES_MAX, &self.places.journal)?;
            let Some((position, page)) = found else { break };
            at = position.seq;
            let Some(Part { key, .. }) = page.last() else { break };
            after = Some(key.clone());
            page.iter().for_each(|part| take(&part.bytes));
        }
        self.in_journal(|db| {
            let mut statement = db.prepare("SELECT bytes FROM records WHERE last > ?1 ORDER BY last")?;
            let mut rows = statement.query([at])?;
            while let Some(row) = rows.next()? {
                take(row.get_ref(0)?.as_blob()?);
            }
            Ok(())
        })
    }

    /// Everything that ended before this time (Unix milliseconds) is in the archive.
    pub fn archived_before(&self) -> Result<i64, OpsError> {
        self.in_archive(|db| {
            let newest = "SELECT before FROM places ORDER BY id DESC LIMIT 1";
            Ok(db.query_row(newest, (), |row| row.get(0)).optional()?.unwrap_or(i64::MIN))
        })
    }

    /// The archive's entry of this number.
    pub fn entry(&self, number: u64) -> Result<Option<Vec<u8>>, OpsError> {
        self.in_archive(|db| {
            let mut statement = db.prepare_cached("SELECT bytes FROM rows WHERE number = ?1")?;
            statement.query_row([number], |row| row.get(0)).optional()
        })
    }

    /// All entries, by their numbers.
    pub fn entries(&self, take: &mut dyn FnMut(u64, &[u8])) -> Result<(), OpsError> {
        self.in_archive(|db| {
            let mut statement = db.prepare("SELECT number, bytes FROM rows ORDER BY number")?;
            let mut rows = statement.query(())?;
            while let Some(row) = rows.next()? {
                take(row.get(0)?, row.get_ref(1)?.as_blob()?);
            }
            Ok(())
        })
    }

    /// Whether there is a content of this number.
    pub fn has_content(&self, number: u64) -> Result<bool, OpsError> {
        self.in_journal(|db| {
            let mut statement = db.prepare_cached("SELECT 1 FROM contents WHERE number = ?1")?;
            statement.exists([number])
        })
    }

    fn in_journal<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, OpsError> {
        read(&self.journal).map_err(|error| failed(&self.places.journal, &error))
    }

    fn in_archive<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, OpsError> {
        read(&self.archive).map_err(|error| failed(&self.places.archive, &error))
    }
}
