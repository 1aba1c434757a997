//! The reserve: bytes that are taken while there is room and given back when there is none, so
//! that what must go on can go on.

use crate::fault::Fault;
use crate::{Room, StoreError};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// How large it is unless another size is asked for.
pub(super) const RESERVE_BYTES: u64 = 64 * 1024 * 1024;

/// There is enough room again when this many times the reserve is free.
const FREE_RESERVES: u64 = 2;

/// Where a disk cannot set blocks aside they are written, so many bytes at a time.
const CHUNK_BYTES: usize = 1024 * 1024;

/// What is written to see whether there is room: some pages.
const PROBE_BYTES: usize = 64 * 1024;

/// The reserve beside the file at `path`.
pub(super) struct Reserve {
    path: PathBuf,
    bytes: u64,
    /// Enough only while the reserve is held, as far as this process knows.
    room: Mutex<Room>,
    /// How often it was given back.
    given: Mutex<u64>,
}

impl Reserve {
    /// Takes the reserve if it is not there yet. If there is no room for it there is none at all.
    pub(super) fn take(database: &Path, bytes: u64) -> Reserve {
        let mut path = database.as_os_str().to_owned();
        path.push(".reserve");
        let reserve = Reserve { path: path.into(), bytes, room: Mutex::new(Room::Enough), given: Mutex::default() };
        let room = match reserve.is_whole() || reserve.allocate().is_ok() {
            true => Room::Enough,
            false => reserve.full(&format!("there is no room for the reserve of {bytes} bytes")),
        };
        reserve.set(room);
        reserve
    }

    pub(super) fn room(&self) -> Room {
        self.room.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// There is no room although the reserve is held; it is given back when the journal needs it.
    pub(super) fn be_told_full(&self, why: &str) {
        if self.room() == Room::Enough {
            tracing::error!(why, "the disk is full, the reserve is kept for what must go on");
            self.set(self.full(why));
        }
    }

    /// How often it was given back so far; to be asked before what may find no room.
    pub(super) fn given(&self) -> u64 {
        *self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the reserve back to the disk, unless somebody else has done so since `seen`. False if
    /// it was not there: trying again makes no sense.
    pub(super) fn release(&self, seen: u64) -> bool {
        // Who comes second waits until the room is there.
        let mut given_times = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        if *given_times != seen {
            return true;
        }
        self.set(self.full("the disk is full and the reserve is in use"));
        // What is only unlinked comes back later; what was cut off and synced is there now.
        let given = File::options().write(true).open(&self.path).and_then(|file| {
            let was = file.metadata()?.len();
            file.set_len(0)?;
            file.sync_all()?;
            Ok(was)
        });
        let is_given = given.is_ok_and(|bytes| bytes > 0);
        if is_given {
            *given_times += 1;
            tracing::error!(path = %self.path.display(), bytes = self.bytes, "the disk is full, the reserve was given back");
        }
        is_given
    }

    /// What went wrong, with a quota that is used up called by its name: to SQLite it is a disk that
    /// cannot be written, but nothing is broken then, and the reserve helps.
    pub(super) fn explain(&self, fault: Fault) -> Fault {
        match fault.is_failed_write() && self.is_refused_more() {
            true => Fault::Store(StoreError::Full { why: format!("no room for {}", self.path.display()) }),
            false => fault,
        }
    }

    /// Tries to write what SQLite writes at least.
    fn is_refused_more(&self) -> bool {
        let tried = File::options().append(true).open(&self.path).and_then(|mut file| {
            let was = file.metadata()?.len();
            let written = file.write_all(&[0; PROBE_BYTES]).and_then(|()| file.sync_all());
            // What was written is no part of the reserve, and in nobody's way if it stays.
            let _ = file.set_len(was);
            written
        });
        tried.is_err_and(|error| matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded))
    }

    /// Looks whether there is enough room again, and takes the reserve back. Blocks.
    pub(super) fn look(&self) -> Room {
        if self.room() != Room::Enough {
            let room = self.judge(free(self.path.parent().unwrap_or(&self.path)));
            if room == Room::Enough {
                tracing::info!(path = %self.path.display(), "there is room again, the reserve was taken back");
            }
            self.set(room);
        }
        self.room()
    }

    fn judge(&self, free: io::Result<u64>) -> Room {
        let needed = self.bytes.saturating_mul(FREE_RESERVES);
        match free {
            Ok(free) if free < needed => self.full(&format!("{free} bytes are free and {needed} must be")),
            // It may be held all along: only the files found no room.
            Ok(_) if self.is_whole() => Room::Enough,
            Ok(_) => match self.allocate() {
                Ok(()) => Room::Enough,
                Err(error) => self.full(&format!("the reserve could not be taken back: {error}")),
            },
            Err(error) => self.full(&format!("nobody knows how much is free: {error}")),
        }
    }

    fn full(&self, why: &str) -> Room {
        let folder = self.path.parent().unwrap_or(&self.path);
        Room::Full(format!("{why}; make room in {}", folder.display()))
    }

    fn set(&self, room: Room) {
        *self.room.lock().unwrap_or_else(PoisonError::into_inner) = room;
    }

    /// Whether every byte of it has its block on the disk.
    fn is_whole(&self) -> bool {
        const BLOCK_BYTES: u64 = 512;
        fs::metadata(&self.path)
            .is_ok_and(|found| found.len() >= self.bytes && found.blocks() * BLOCK_BYTES >= self.bytes)
    }

    /// Takes all of it or nothing.
    fn allocate(&self) -> io::Result<()> {
        let file = File::options().create(true).write(true).truncate(true).open(&self.path)?;
        let outcome = match rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, self.bytes) {
            Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => self.write_out(&file),
            outcome => outcome.map_err(io::Error::from),
        };
        outcome.and_then(|()| file.sync_all()).inspect_err(|_| {
            // A part of it would only be in the way; the error that is told is the first.
            let _ = file.set_len(0);
        })
    }

    fn write_out(&self, mut file: &File) -> io::Result<()> {
        let chunk = vec![0; CHUNK_BYTES];
        let mut left = self.bytes;
        while left > 0 {
            let length = usize::try_from(left).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES);
            file.write_all(&chunk[..length])?;
            left -= length as u64;
        }
        Ok(())
    }
}

/// Bytes that this user may still take of the disk that `folder` is on.
pub(crate) fn free(folder: &Path) -> io::Result<u64> {
    let found = rustix::fs::statvfs(folder)?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES: u64 = 1024 * 1024;

    #[test]
    fn it_is_taken_given_back_and_taken_again_when_twice_of_it_is_free() {
        let folder = tempfile::tempdir().unwrap();
        let reserve = Reserve::take(&folder.path().join("j.db"), BYTES);
        assert_eq!(reserve.room(), Room::Enough);
        assert!(reserve.is_whole());

        let seen = reserve.given();
        assert!(reserve.release(seen));
        assert!(reserve.release(seen), "somebody else gave it back meanwhile: there is room to try again");
        assert!(!reserve.is_whole());
        assert!(matches!(reserve.room(), Room::Full(why) if why.contains("make room in")));
        assert!(!reserve.release(reserve.given()), "it was given back already");

        let little = reserve.judge(Ok(2 * BYTES - 1));
        assert!(matches!(&little, Room::Full(why) if why.contains("2097151 bytes are free")), "{little:?}");
        assert_eq!(reserve.judge(Ok(2 * BYTES)), Room::Enough);
        assert!(reserve.is_whole());
        assert_eq!(reserve.look(), Room::Enough, "this disk has room");
    }

    #[test]
    fn one_that_holds_no_blocks_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j.db.reserve");
        File::create(&path).unwrap().set_len(BYTES).unwrap();
        let reserve = Reserve::take(&folder.path().join("j.db"), BYTES);
        assert!(reserve.is_whole(), "it was allocated anew");
    }

    #[test]
    fn without_room_for_it_there_is_no_room() {
        let folder = tempfile::tempdir().unwrap();
        let reserve = Reserve::take(&folder.path().join("j.db"), u64::MAX / 4);
        assert!(matches!(reserve.room(), Room::Full(_)));
        assert_eq!(fs::metadata(&reserve.path).unwrap().len(), 0);
        assert!(!reserve.release(reserve.given()));
    }

    #[test]
    fn where_blocks_cannot_be_set_aside_they_are_written() {
        let folder = tempfile::tempdir().unwrap();
        let reserve = Reserve::take(&folder.path().join("j.db"), BYTES + 5);
        reserve.release(reserve.given());
        reserve.write_out(&File::options().write(true).open(&reserve.path).unwrap()).unwrap();
        assert!(reserve.is_whole());
    }
}
