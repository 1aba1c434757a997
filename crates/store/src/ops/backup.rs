//! A copy of a store in one file, taken while the broker runs.

use super::check::{apart, is_named, named, tail};
use super::database::{Database, failed};
use super::pack::{Manifest, PARTIAL, Packer};
use super::{OpsError, Places, absolute, beside};
use crate::files::Folders;
use rusqlite::{Connection, params};
use std::fs;
use std::path::{Path, PathBuf};

/// The journal may be trimmed behind the archive while both are copied, then they are copied
/// again.
const COPIES_MAX: usize = 5;

/// What was backed up.
#[derive(Clone, Debug)]
pub struct BackedUp {
    pub manifest: Manifest,
    /// Large contents that are missing or damaged in the store, and therefore in the backup.
    pub lost: u64,
}

/// Writes all that the store at `path` holds to the new file `out`, whole and durable when this
/// returns. The databases are copied beside `out` first, so that about twice their bytes are taken
/// there meanwhile. `tell` hears what is begun.
///
/// # Errors
/// `Refused` if `out` is there, or if the parts of the store do not belong together. Nothing is
/// left at `out` then.
pub fn backup(path: &Path, out: &Path, tell: &mut dyn FnMut(&str)) -> Result<BackedUp, OpsError> {
    let (places, out) = (Places::of(&absolute(path)?), absolute(out)?);
    // Before there is anything at `out`: a store that is none is said first.
    drop(Database::Journal.open(&places.journal)?);
    let mut packer = Packer::begin(&out)?;
    let scratch = Scratch { out: &out };
    scratch.copy(&places, tell)?;
    tell("packing large contents");
    let lost = pack_files(&places, &scratch.path(Database::Journal), &mut packer, tell)?;
    let copied = scratch.open(Database::Journal)?;
    let tail = tail(&copied).map_err(|error| failed(&places.journal, &error))?;
    drop(copied);
    tell("packing the databases");
    for database in Database::ALL {
        let copy = scratch.path(database);
        if copy.exists() {
            packer.database(database, &copy)?;
            // Its room may be needed for the next one. If it stays it is removed at the end.
            let _ = fs::remove_file(copy);
        }
    }
    Ok(BackedUp { manifest: packer.end(tail)?, lost })
}

/// What stands beside the backup until it is whole, and is removed however it ends.
struct Scratch<'a> {
    out: &'a Path,
}

impl Scratch<'_> {
    fn path(&self, database: Database) -> PathBuf {
        let (_, ending) = database.name().split_at("callboard".len());
        beside(self.out, &format!("{ending}{PARTIAL}"))
    }

    fn open(&self, database: Database) -> Result<Connection, OpsError> {
        database.open(&self.path(database))
    }

    /// Copies the databases until the journal goes on from where the archive stands.
    fn copy(&self, places: &Places, tell: &mut dyn FnMut(&str)) -> Result<(), OpsError> {
        let mut copies = 0;
        loop {
            for database in Database::ALL {
                let from = places.database(database);
                if database != Database::Search || from.exists() {
                    tell(&format!("copying {}", from.display()));
                    self.copy_one(database, from)?;
                }
            }
            let (archive, journal) = (self.open(Database::Archive)?, self.open(Database::Journal)?);
            let apart = apart(&archive, &journal).map_err(|error| failed(&places.journal, &error))?;
            copies += 1;
            match apart {
                None => return Ok(()),
                Some(_) if copies < COPIES_MAX => tell("the store went on too far meanwhile: copying once more"),
                Some(why) => return Err(OpsError::refused(&places.journal, format!("no backup was made: {why}"))),
            }
        }
    }

    fn copy_one(&self, database: Database, from: &Path) -> Result<(), OpsError> {
        let copy = self.path(database);
        let Some(name) = copy.to_str() else {
            return Err(OpsError::refused(self.out, "is no name in UTF-8; choose another one"));
        };
        // Of the copy before, or of a backup that was cut off.
        let _ = fs::remove_file(&copy);
        let copied = database.open(from)?.execute("VACUUM INTO ?1", [name]);
        copied.map(drop).map_err(|error| failed(from, &error))
    }
}

impl Drop for Scratch<'_> {
    fn drop(&mut self) {
        for database in Database::ALL {
            let _ = fs::remove_file(self.path(database));
        }
        let _ = fs::remove_file(beside(self.out, PARTIAL));
    }
}

/// Packs the files that contents in the `copy` of the journal are in. What was removed from the
/// store since the copy was taken is removed from the copy too. Returns how many were lost.
fn pack_files(places: &Places, copy: &Path, packer: &mut Packer, tell: &mut dyn FnMut(&str)) -> Result<u64, OpsError> {
    let on_copy = |error: &rusqlite::Error| failed(copy, error);
    let (folders, mut lost) = (Folders::at(&places.files), 0);
    let copy = Connection::open(copy).map_err(|error| on_copy(&error))?;
    for first in 0..=u8::MAX {
        for file in named(&copy, first).map_err(|error| on_copy(&error))? {
            let why = match folders.get(file) {
                Ok(Some(bytes)) => {
                    packer.file(file, &bytes)?;
                    continue;
                }
                Ok(None) => format!("{} is missing", folders.path(file).display()),
                Err(error) => error.to_string(),
            };
            let live = Database::Journal.open(&places.journal)?;
            if is_named(&live, file).map_err(|error| failed(&places.journal, &error))? {
                lost += 1;
                tell(&format!("left out: {why}"));
            } else {
                let gone = copy.execute("DELETE FROM contents WHERE file = ?1", params![file.0]);
                gone.map_err(|error| on_copy(&error))?;
            }
        }
    }
    Ok(lost)
}
