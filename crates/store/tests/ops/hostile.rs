//! A backup may come from anywhere.

use crate::board::Board;
use std::fs;
use std::io::Read;
use std::path::Path;
use store::ops::{self, OpsError};
use tar::{Builder, EntryType, Header};

/// The entries of a real backup, name and bytes.
async fn real(board: &Board) -> Vec<(String, Vec<u8>)> {
    let out = board.beside("real.tar");
    ops::backup(&board.path(), &out, &mut |_| {}).unwrap();
    let mut archive = tar::Archive::new(fs::File::open(&out).unwrap());
    let mut entries = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        entries.push((String::from_utf8(entry.path_bytes().into_owned()).unwrap(), bytes));
    }
    entries
}

fn header(name: &str, bytes: u64, kind: EntryType) -> Header {
    let mut header = Header::new_ustar();
    // Past the checks of a writer that means well.
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_size(bytes);
    header.set_mode(0o644);
    header.set_entry_type(kind);
    header.set_cksum();
    header
}

fn write(path: &Path, entries: &[(String, Vec<u8>)]) {
    let mut out = Builder::new(fs::File::create(path).unwrap());
    for (name, bytes) in entries {
        out.append(&header(name, bytes.len() as u64, EntryType::Regular), &bytes[..]).unwrap();
    }
    out.finish().unwrap();
}

/// What the restore says, after which nothing is there that was not before.
fn refusal(board: &Board, name: &str) -> String {
    let (hostile, elsewhere) = (board.beside(name), board.beside("elsewhere/restored.db"));
    fs::create_dir_all(elsewhere.parent().unwrap()).unwrap();
    let refused = ops::restore(&hostile, &elsewhere, &mut |_| {});
    let Err(OpsError::Refused { path, why }) = refused else { panic!("{name} was taken: {refused:?}") };
    assert_eq!(path, hostile.display().to_string());
    assert_eq!(fs::read_dir(elsewhere.parent().unwrap()).unwrap().count(), 0, "{name} left something");
    assert!(!board.beside("evil").exists());
    why
}

#[tokio::test]
async fn a_name_that_no_backup_has_is_refused_by_name() {
    let board = Board::of(30).await;
    let real = real(&board).await;
    let absolute = board.beside("evil").display().to_string();
    let hash = &real[1].0["files/".len()..].to_owned();
    let names = [
        "../evil",
        "../../evil",
        &absolute,
        "evil",
        "./callboard.db",
        "files/../evil",
        "files/",
        "files/evil",
        "",
        &format!("files/{}", hash.to_uppercase()),
        &format!("files/{hash}0"),
        &format!("files/{}/{hash}", &hash[..2]),
        "callboard.db.reserve",
        "callboard.db-wal",
        "callboard.db\n",
    ];
    for name in names.into_iter().filter(|name| name.len() < 100) {
        let mut entries = real.clone();
        entries.insert(1, (name.to_owned(), b"evil".to_vec()));
        write(&board.beside("hostile.tar"), &entries);
        let why = refusal(&board, "hostile.tar");
        assert!(why.contains(&format!("{name:?}")), "{name:?}: {why}");
    }
}

#[tokio::test]
async fn what_is_no_plain_file_is_refused() {
    let board = Board::of(10).await;
    let real = real(&board).await;
    let kinds = [
        EntryType::Symlink,
        EntryType::Link,
        EntryType::Directory,
        EntryType::Fifo,
        EntryType::Char,
        EntryType::GNULongName,
        EntryType::XHeader,
        EntryType::GNUSparse,
        EntryType::XGlobalHeader,
    ];
    for kind in kinds {
        let mut out = Builder::new(fs::File::create(board.beside("hostile.tar")).unwrap());
        out.append(&header("format", real[0].1.len() as u64, EntryType::Regular), &real[0].1[..]).unwrap();
        let mut link = header("callboard.db", 0, kind);
        link.set_link_name("/etc/passwd").unwrap();
        link.set_cksum();
        out.append(&link, &b""[..]).unwrap();
        out.finish().unwrap();
        drop(out);
        let why = refusal(&board, "hostile.tar");
        assert!(why.contains("\"callboard.db\"") && why.contains(&format!("{kind:?}")), "{why}");
    }
}

#[tokio::test]
async fn a_size_that_cannot_be_is_refused() {
    let board = Board::of(10).await;
    let real = real(&board).await;
    for size in [1 << 40, u64::MAX / 2, u64::MAX] {
        let mut out = Builder::new(fs::File::create(board.beside("hostile.tar")).unwrap());
        out.append(&header("format", real[0].1.len() as u64, EntryType::Regular), &real[0].1[..]).unwrap();
        let mut bytes = out.into_inner().unwrap();
        std::io::Write::write_all(&mut bytes, header("callboard.db", size, EntryType::Regular).as_bytes()).unwrap();
        drop(bytes);
        // The two empty blocks of the end come before it: leave them out.
        let tar = fs::read(board.beside("hostile.tar")).unwrap();
        let hostile = [&tar[..1024], &tar[2048..]].concat();
        fs::write(board.beside("hostile.tar"), hostile).unwrap();
        let why = refusal(&board, "hostile.tar");
        assert!(why.contains("callboard.db") || why.contains("no whole backup"), "{size}: {why}");
    }
}

#[tokio::test]
async fn entries_that_come_twice_or_out_of_order_or_not_at_all_are_refused() {
    let board = Board::of(40).await;
    let real = real(&board).await;
    let place = |name: &str| real.iter().position(|(entry, _)| entry == name).unwrap();
    let journal = place("callboard.db");
    for index in 0..real.len() {
        let name = &real[index].0;
        let mut twice = real.clone();
        twice.insert(index + 1, real[index].clone());
        write(&board.beside("twice.tar"), &twice);
        let why = refusal(&board, "twice.tar");
        assert!(why.contains(name), "{name} twice: {why}");

        let mut without = real.clone();
        without.remove(index);
        write(&board.beside("without.tar"), &without);
        refusal(&board, "without.tar");
    }
    let mut swapped = real.clone();
    swapped.swap(1, 2);
    write(&board.beside("swapped.tar"), &swapped);
    assert!(refusal(&board, "swapped.tar").contains("out of order"));
    let mut late = real.clone();
    late.swap(1, journal);
    write(&board.beside("late.tar"), &late);
    assert!(refusal(&board, "late.tar").contains("out of order"));
}

#[tokio::test]
async fn every_bit_of_a_backup_counts() {
    let board = Board::of(20).await;
    real(&board).await;
    let whole = fs::read(board.beside("real.tar")).unwrap();
    for step in 0..150 {
        let mut flipped = whole.clone();
        let at = (step * 7_919_191) % whole.len();
        flipped[at] ^= 1 << (step % 8);
        fs::write(board.beside("flipped.tar"), &flipped).unwrap();
        let elsewhere = board.beside("flipped.db");
        if ops::restore(&board.beside("flipped.tar"), &elsewhere, &mut |_| {}).is_ok() {
            // Only what pads an entry to its block, or the empty end, says nothing.
            assert_eq!(whole[at], 0, "the flip at {at} went unnoticed");
            for name in fs::read_dir(board.beside("")).unwrap().map(|entry| entry.unwrap().path()) {
                if name.file_name().unwrap().to_string_lossy().starts_with("flipped.db") {
                    fs::remove_dir_all(&name).or_else(|_| fs::remove_file(&name)).unwrap();
                }
            }
        }
    }
    for length in [0, 1, 511, 512, 1500, whole.len() / 2, whole.len() - 2048] {
        fs::write(board.beside("short.tar"), &whole[..length]).unwrap();
        refusal(&board, "short.tar");
    }
}

#[tokio::test]
async fn a_newer_backup_is_named_as_one() {
    let board = Board::of(10).await;
    let mut entries = real(&board).await;
    entries[0].1 = b"callboard backup 2\n".to_vec();
    write(&board.beside("newer.tar"), &entries);
    assert!(refusal(&board, "newer.tar").contains("newer Callboard"));
}
