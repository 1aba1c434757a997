//! A disk that is really full. Only root may make one; for everybody else this is told by the
//! writer's own tests, which pretend.
#![allow(clippy::unwrap_used)]

use bytes::Bytes;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use store::{
    Batch, Body, Content, DirectoryFiles, Files, Journal, Keep, Parts, Position, Room, SqliteJournal, StoreError,
};

const MIB: usize = 1024 * 1024;

/// A small file system of its own, gone with this value.
struct Mounted(tempfile::TempDir);

impl Mounted {
    /// `None` if this user may not mount.
    fn new(options: &[&str]) -> Option<Mounted> {
        let folder = tempfile::tempdir().unwrap();
        let mount = Command::new("mount").args(options).arg(folder.path()).output().unwrap();
        if !mount.status.success() {
            println!("nothing was tried, this user may not mount: {}", String::from_utf8_lossy(&mount.stderr));
            return None;
        }
        Some(Mounted(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        run(Command::new("umount").arg(self.path()));
    }
}

fn run(command: &mut Command) {
    assert!(command.status().unwrap().success(), "{command:?} failed");
}

fn batch(number: u64) -> Batch {
    let contents = vec![Content { number, body: Body::Inline(Bytes::from(vec![3; 20_000])) }];
    Batch { events: 1, at: 1, bytes: Bytes::from(vec![7; 30_000]), contents }
}

fn state(bytes: u8) -> Parts {
    Box::new(
        (0..2_000_u32)
            .map(move |key| (Bytes::copy_from_slice(&key.to_be_bytes()), Some(Bytes::from(vec![bytes; 300])))),
    )
}

/// Fills the disk, sees that the reserve carries on, that then nothing is lost, and that all goes
/// on when there is room.
async fn a_full_disk(folder: &Path) {
    let filler = folder.join("filler");
    std::fs::write(&filler, vec![1; 12 * MIB]).unwrap();
    let path = folder.join("journal.db");
    let journal = SqliteJournal::with_reserve(&path, 4 * MIB as u64).unwrap();
    let term = journal.open(0).await.unwrap();
    assert_eq!(journal.room(), Room::Enough);
    let (mut at, mut number) = (Position::START, 0);
    journal.checkpoint(term.epoch, None, at, state(1)).await.unwrap();

    while journal.room() == Room::Enough {
        at = journal.append(term.epoch, at, &batch(number)).await.expect("the reserve is there for it");
        number += 1;
    }
    let at_the_reserve = number;
    assert!(matches!(journal.look_for_room().await, Room::Full(_)));
    let refusal = loop {
        match journal.append(term.epoch, at, &batch(number)).await {
            Ok(position) => (at, number) = (position, number + 1),
            Err(error) => break error,
        }
    };
    assert!(matches!(refusal, StoreError::Full { .. }), "{refusal:?}");
    println!("{at_the_reserve} records of 50,000 bytes, then {} from the reserve", number - at_the_reserve);
    assert!(number - at_the_reserve >= 10, "the reserve carried {} records", number - at_the_reserve);

    // Neither does a checkpoint find room, nor does it harm.
    let answer = journal.checkpoint(term.epoch, None, at, state(2)).await;
    assert!(matches!(answer, Err(StoreError::Full { .. })), "{answer:?}");
    let parts = journal.checkpoint_parts(Position::START, None, usize::MAX).await.unwrap();
    assert!(parts.len() == 2_000 && parts[1_999].bytes[0] == 1);
    assert_eq!(journal.read(Position::START, usize::MAX).await.unwrap().len() as u64, number);

    std::fs::remove_file(&filler).unwrap();
    assert_eq!(journal.look_for_room().await, Room::Enough);
    at = journal.append(term.epoch, at, &batch(number)).await.unwrap();
    journal.checkpoint(term.epoch, None, at, state(3)).await.unwrap();
    let keep = Keep { from: at.seq - 10, at_min: i64::MAX, bytes_max: 0 };
    while journal.trim(keep).await.unwrap().more {}
    drop(journal);

    let journal = SqliteJournal::with_reserve(&path, 4 * MIB as u64).unwrap();
    assert_eq!(journal.open(0).await.unwrap().checkpoint, Some(at));
    assert_eq!(journal.extent().await.unwrap().oldest, at.seq - 9);
    for number in 0..=number {
        assert!(journal.content(number).await.unwrap().is_some(), "content {number}");
    }
}

/// Large contents take the last room: the reserve is still there for the records.
#[tokio::test]
async fn files_fill_the_disk_and_the_journal_goes_on() {
    let Some(mounted) = Mounted::new(&["-t", "tmpfs", "-o", "size=24m", "tmpfs"]) else { return };
    let files = DirectoryFiles::new(mounted.path().join("files")).unwrap();
    let journal = SqliteJournal::with_reserve(mounted.path().join("journal.db"), 4 * MIB as u64).unwrap();
    let (term, mut put) = (journal.open(0).await.unwrap(), Vec::new());
    let why = loop {
        let number = u8::try_from(put.len()).unwrap();
        match files.put(Bytes::from(vec![number; MIB / 2])).await {
            Ok(file) => put.push(file),
            Err(StoreError::Full { why }) => break why,
            Err(error) => panic!("{error}"),
        }
    };
    journal.be_told_full(&why);
    assert!(matches!(journal.room(), Room::Full(_)), "though it has not met it itself");
    assert!(matches!(journal.look_for_room().await, Room::Full(_)));
    let mut at = Position::START;
    for number in 0..10 {
        at = journal.append(term.epoch, at, &batch(number)).await.expect("the reserve is there for it");
    }
    for file in put {
        assert!(files.remove(file, Duration::ZERO).await.unwrap());
    }
    assert_eq!(journal.look_for_room().await, Room::Enough);
}

#[tokio::test]
async fn on_tmpfs() {
    if let Some(mounted) = Mounted::new(&["-t", "tmpfs", "-o", "size=32m", "tmpfs"]) {
        a_full_disk(mounted.path()).await;
    }
}

#[tokio::test]
async fn on_ext4() {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("image");
    std::fs::File::create(&image).unwrap().set_len(48 * MIB as u64).unwrap();
    run(Command::new("mkfs.ext4").args(["-q", "-m", "0"]).arg(&image));
    if let Some(mounted) = Mounted::new(&["-o", "loop", &image.display().to_string()]) {
        a_full_disk(mounted.path()).await;
    }
}
