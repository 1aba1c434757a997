//! The power goes: what was written and not synced is lost, all of it, from a point on, or here and
//! there. The shim noted what each write replaced; here that is put back.
//!
//! A sync of a file makes durable what was written to it before, a sync of a folder the names in it.
//! A new file's name is taken as durable with the file's own sync, and a removed file as gone.

use crate::dice::Dice;
use anyhow::{Context, bail};
use std::collections::HashMap;
use std::fs::File;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

/// What of the unsynced is lost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Loss {
    All,
    /// Everything from a point on, and of the write at that point the rest from a byte on.
    Tail,
    /// Each write by itself: a disk may write in any order.
    Scattered,
}

/// What became of it.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Lost {
    pub(crate) unsynced: usize,
    pub(crate) undone: usize,
}

/// A note of the shim: `struct undo` and its bytes.
#[derive(Debug)]
struct Note {
    op: u8,
    seq: u64,
    ino: u64,
    offset: u64,
    size_before: u64,
    new_len: u64,
    data: Vec<u8>,
}

const HEAD_BYTES: usize = 7 * 8;

/// Takes back what is lost from the files below `store`; `notes` is the folder that the shim wrote
/// to, and is empty afterwards.
pub(crate) fn lose_power(store: &Path, notes: &Path, how: Loss, dice: &mut Dice) -> anyhow::Result<Lost> {
    let mut lost = Lost::default();
    let mut files = Vec::new();
    for entry in std::fs::read_dir(notes)? {
        files.push(entry?.path());
    }
    if files.len() > 1 {
        bail!("more than one broker wrote notes into {}", notes.display());
    }
    for path in files {
        let all = read(&std::fs::read(&path)?)?;
        let mut unsynced = unsynced(&all);
        lost.unsynced += unsynced.len();
        let torn = keep(&mut unsynced, how, dice);
        lost.undone += unsynced.len();
        for (place, note) in unsynced.iter().enumerate().rev() {
            let from = if place == 0 && torn { dice.between(0, note.new_len.min(1 << 20)) } else { 0 };
            undo(store, note, from)?;
        }
        std::fs::remove_file(path)?;
    }
    // The index of SQLite's log is memory that looks like a file.
    forget_indexes(store)?;
    Ok(lost)
}

fn read(mut bytes: &[u8]) -> anyhow::Result<Vec<Note>> {
    let mut notes = Vec::new();
    while bytes.len() >= HEAD_BYTES {
        let word = |index: usize| {
            let bytes = bytes[index * 8..].first_chunk().copied().unwrap_or_default();
            u64::from_ne_bytes(bytes)
        };
        let len = usize::try_from(word(6))?;
        // The kill may have come while the last one was written: then what it is about was not.
        let Some(data) = bytes.get(HEAD_BYTES..HEAD_BYTES + len) else { break };
        notes.push(Note {
            op: u8::try_from(word(0))?,
            seq: word(1),
            ino: word(2),
            offset: word(3),
            size_before: word(4),
            new_len: word(5),
            data: data.to_vec(),
        });
        bytes = &bytes[HEAD_BYTES + len..];
    }
    Ok(notes)
}

/// Writes and renames that no sync followed, in their order.
fn unsynced(all: &[Note]) -> Vec<&Note> {
    // Up to which note a file, or a folder's names, are durable.
    let (mut files, mut folders) = (HashMap::new(), HashMap::new());
    for note in all {
        match note.op {
            b'S' => drop(files.insert(note.ino, note.offset)),
            b'D' => drop(folders.insert(note.data.as_slice(), note.offset)),
            _ => {}
        }
    }
    let is_durable = |note: &&Note| {
        let until = match note.op {
            b'W' => files.get(&note.ino),
            b'R' => names(note).and_then(|(_, to)| folders.get(folder_of(to))),
            _ => return true,
        };
        until.is_some_and(|until| note.seq <= *until)
    };
    all.iter().filter(|note| !is_durable(note)).collect()
}

/// Leaves those that are undone; `true` if the first of them is undone in part.
fn keep(unsynced: &mut Vec<&Note>, how: Loss, dice: &mut Dice) -> bool {
    match how {
        Loss::All => false,
        Loss::Tail => {
            let kept = dice.between(0, unsynced.len() as u64) as usize;
            unsynced.drain(..kept);
            true
        }
        Loss::Scattered => {
            // Names are ordered after each other by every file system there is.
            unsynced.retain(|note| note.op == b'R' || dice.one_in(2));
            false
        }
    }
}

fn names(note: &Note) -> Option<(&[u8], &[u8])> {
    let zero = note.data.iter().position(|byte| *byte == 0)?;
    Some((&note.data[..zero], &note.data[zero + 1..]))
}

fn folder_of(path: &[u8]) -> &[u8] {
    let slash = path.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
    &path[..slash]
}

/// Puts back what was there before, from byte `from` of the write on.
fn undo(store: &Path, note: &Note, from: u64) -> anyhow::Result<()> {
    if note.op == b'R' {
        let (old, new) = names(note).context("a rename without names")?;
        let path = |bytes: &[u8]| PathBuf::from(std::ffi::OsString::from_vec(bytes.to_vec()));
        // It may have been removed since.
        let _ = std::fs::rename(path(new), path(old));
        return Ok(());
    }
    // A file that is gone has nothing to lose.
    let Some(path) = find(store, note.ino)? else { return Ok(()) };
    let file = File::options().read(true).write(true).open(path)?;
    let (offset, end) = (note.offset + from, note.offset.saturating_add(note.new_len));
    let skip = usize::try_from(from)?.min(note.data.len());
    file.write_all_at(&note.data[skip..], note.offset + skip as u64)?;
    if end > note.size_before {
        let (size, old_end) = (file.metadata()?.len(), note.size_before.max(offset));
        match size <= end {
            true => file.set_len(old_end)?,
            // Something later stays behind it: there is a hole.
            false => file.write_all_at(&vec![0; usize::try_from(end.saturating_sub(old_end))?], old_end)?,
        }
    }
    Ok(())
}

fn find(dir: &Path, ino: u64) -> anyhow::Result<Option<PathBuf>> {
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let data = entry.metadata()?;
        if data.is_dir() {
            if let Some(path) = find(&entry.path(), ino)? {
                return Ok(Some(path));
            }
        } else if data.ino() == ino {
            return Ok(Some(entry.path()));
        }
    }
    Ok(None)
}

fn forget_indexes(dir: &Path) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with("-shm") {
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the shim would write.
    fn note(op: u8, seq: u64, ino: u64, [offset, size_before, new_len]: [u64; 3], data: &[u8]) -> Vec<u8> {
        let head = [u64::from(op), seq, ino, offset, size_before, new_len, data.len() as u64];
        head.iter().flat_map(|word| word.to_ne_bytes()).chain(data.iter().copied()).collect()
    }

    struct Place(PathBuf);

    impl Place {
        fn new(name: &str) -> Place {
            let place = std::env::temp_dir().join(format!("storm-undo-{name}-{}", std::process::id()));
            std::fs::create_dir_all(place.join("notes")).unwrap();
            std::fs::create_dir_all(place.join("store")).unwrap();
            Place(place)
        }

        fn file(&self) -> PathBuf {
            self.0.join("store").join("file")
        }

        fn lose(&self, how: Loss, notes: &[Vec<u8>]) -> Lost {
            std::fs::write(self.0.join("notes").join("1"), notes.concat()).unwrap();
            lose_power(&self.0.join("store"), &self.0.join("notes"), how, &mut Dice::new(1, 1)).unwrap()
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            std::fs::remove_dir_all(&self.0).unwrap();
        }
    }

    #[test]
    fn what_was_synced_stays_and_what_followed_is_as_before() {
        let place = Place::new("all");
        std::fs::write(place.file(), b"AAbbCCdd").unwrap();
        let ino = std::fs::metadata(place.file()).unwrap().ino();
        // "AA" was written and synced; then "bb" over "xx", and "CCdd" at the end.
        let notes = [
            note(b'W', 1, ino, [0, 4, 2], b"yy"),
            note(b'S', 2, ino, [1, 0, 0], b""),
            note(b'W', 3, ino, [2, 4, 2], b"xx"),
            note(b'W', 4, ino, [4, 4, 4], b""),
        ];
        let lost = place.lose(Loss::All, &notes);
        assert_eq!((lost.unsynced, lost.undone), (2, 2));
        assert_eq!(std::fs::read(place.file()).unwrap(), b"AAxx");
    }

    #[test]
    fn a_file_that_was_cut_is_whole_again() {
        let place = Place::new("cut");
        std::fs::write(place.file(), b"AA").unwrap();
        let ino = std::fs::metadata(place.file()).unwrap().ino();
        let notes = [note(b'W', 1, ino, [2, 6, u64::MAX / 8], b"bbCC")];
        place.lose(Loss::All, &notes);
        assert_eq!(std::fs::read(place.file()).unwrap(), b"AAbbCC");
    }

    #[test]
    fn a_name_is_durable_once_its_folder_was_synced() {
        for (synced, expected) in [(false, "store/temporary"), (true, "store/file")] {
            let place = Place::new(if synced { "name" } else { "no-name" });
            std::fs::write(place.file(), b"A").unwrap();
            let (from, to) = (place.0.join("store/temporary"), place.file());
            let names = format!("{}\0{}", from.display(), to.display());
            let folder = place.0.join("store").display().to_string();
            let mut notes = vec![note(b'R', 1, 0, [0; 3], names.as_bytes())];
            if synced {
                notes.push(note(b'D', 2, 0, [1, 0, 0], folder.as_bytes()));
            }
            place.lose(Loss::All, &notes);
            assert!(place.0.join(expected).exists(), "{expected}");
        }
    }
}
