//! A store out of a backup.

use super::database::Database;
use super::pack::{self, Manifest};
use super::{OpsError, Places, Report, absolute, beside, check};
use crate::files::{sync, weather};
use std::fs;
use std::path::Path;

/// Makes the store at `path`, where nothing of one may be, out of the backup `from`, and checks
/// it. Every byte is verified before anything gets its name. `tell` hears what is begun.
///
/// # Errors
/// `Refused` if something is at `path`, or if the backup is none or not whole. Nothing is left
/// then, but for a crash: what that leaves is named when it is tried again.
pub fn restore(from: &Path, path: &Path, tell: &mut dyn FnMut(&str)) -> Result<(Manifest, Report), OpsError> {
    let path = absolute(path)?;
    let places = Places::of(&path);
    refuse_what_is_there(&places)?;
    let unpacked = beside(&path, ".restoring");
    match fs::create_dir(&unpacked) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            return Err(OpsError::refused(
                &unpacked,
                "was left by a restore that was cut off, or one is running; remove it",
            ));
        }
        created => created.map_err(|error| weather(&unpacked, &error))?,
    }
    tell("unpacking");
    let restored = pack::unpack(from, &unpacked).and_then(|manifest| settle(&unpacked, &places).map(|()| manifest));
    // Empty now, or of no use.
    let _ = fs::remove_dir_all(&unpacked);
    let manifest = restored?;
    Ok((manifest, check(&path, false, tell)?))
}

fn refuse_what_is_there(places: &Places) -> Result<(), OpsError> {
    // By the name that the store is called by, first.
    let databases = [Database::Journal, Database::Archive, Database::Search].map(|database| places.database(database));
    let logs = databases.iter().flat_map(|path| ["-wal", "-shm", "-journal"].map(|ending| beside(path, ending)));
    let parts = databases.iter().map(|path| path.to_path_buf()).chain([places.files.clone(), places.reserve.clone()]);
    for path in parts.chain(logs) {
        if fs::symlink_metadata(&path).is_ok() {
            return Err(OpsError::refused(
                &path,
                "is there already; nothing is overwritten, move it away or restore to another path",
            ));
        }
    }
    Ok(())
}

/// Gives what was unpacked its names. The journal comes last: without it there is no store.
fn settle(unpacked: &Path, places: &Places) -> Result<(), OpsError> {
    let files = unpacked.join("files");
    if files.exists() {
        for folder in fs::read_dir(&files).map_err(|error| weather(&files, &error))? {
            sync(&folder.map_err(|error| weather(&files, &error))?.path())?;
        }
        sync(&files)?;
    }
    let databases = Database::ALL.map(|database| (unpacked.join(database.name()), places.database(database)));
    refuse_what_is_there(places)?;
    for (from, to) in [(files, &*places.files)].into_iter().chain(databases) {
        if from.exists() {
            fs::rename(&from, to).map_err(|error| weather(to, &error))?;
        }
    }
    Ok(sync(places.journal.parent().unwrap_or(Path::new("/")))?)
}
