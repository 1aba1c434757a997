//! The contract of files, held by a folder and by memory; and what only a folder can suffer.
#![allow(clippy::unwrap_used)]

use async_trait::async_trait;
use bytes::Bytes;
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use store::files::contract::World;
use store::{DirectoryFiles, FileHash, Files, MemoryFiles, StoreError};

struct Memory(MemoryFiles);

#[async_trait]
impl World for Memory {
    async fn handle(&self) -> Arc<dyn Files> {
        Arc::new(self.0.clone())
    }

    async fn grow_older(&self, by: Duration) {
        tokio::time::pause();
        tokio::time::advance(by).await;
        tokio::time::resume();
    }
}

struct Directory(tempfile::TempDir);

impl Directory {
    fn new() -> Directory {
        Directory(tempfile::tempdir().unwrap())
    }

    fn root(&self) -> PathBuf {
        self.0.path().join("files")
    }

    fn path(&self, file: FileHash) -> PathBuf {
        let name = file.to_string();
        self.root().join(&name[..2]).join(name)
    }
}

#[async_trait]
impl World for Directory {
    async fn handle(&self) -> Arc<dyn Files> {
        Arc::new(DirectoryFiles::new(self.root()).unwrap())
    }

    async fn grow_older(&self, by: Duration) {
        for folder in fs::read_dir(self.root()).unwrap() {
            for file in fs::read_dir(folder.unwrap().path()).unwrap() {
                make_older(&file.unwrap().path(), by);
            }
        }
    }
}

fn make_older(path: &Path, by: Duration) {
    let file = File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::now() - by).unwrap();
}

mod memory {
    store::files_contract_tests!(super::Memory(super::MemoryFiles::new()));
}

mod directory {
    store::files_contract_tests!(super::Directory::new());
}

const HOUR: Duration = Duration::from_secs(60 * 60);

fn content() -> Bytes {
    Bytes::from(vec![5; 100_000])
}

#[tokio::test]
async fn damaged_bytes_are_not_given_and_the_next_put_replaces_them() {
    let world = Directory::new();
    let files = world.handle().await;
    let file = files.put(content()).await.unwrap();
    let path = world.path(file);
    let mut flipped = content().to_vec();
    flipped[70_000] ^= 1;
    let damages: [&dyn Fn(); 5] = [
        &|| fs::write(&path, &flipped).unwrap(),
        &|| fs::write(&path, &content()[..99_999]).unwrap(),
        &|| fs::write(&path, b"").unwrap(),
        &|| symlink("/etc/hostname", &path).unwrap(),
        &|| symlink(world.0.path().join("elsewhere"), &path).unwrap(),
    ];
    fs::write(world.0.path().join("elsewhere"), content()).unwrap();
    for damage in damages {
        fs::remove_file(&path).unwrap();
        damage();
        let answer = files.get(file).await;
        assert!(matches!(&answer, Err(StoreError::Damaged { why }) if why.contains(&file.to_string())), "{answer:?}");
        files.put(content()).await.unwrap();
        assert_eq!(files.get(file).await.unwrap(), Some(content()));
        assert!(fs::symlink_metadata(&path).unwrap().is_file());
    }
    assert_eq!(fs::read(world.0.path().join("elsewhere")).unwrap(), content());
}

#[tokio::test]
async fn what_is_not_ours_is_neither_followed_nor_counted_nor_removed() {
    let world = Directory::new();
    let files = world.handle().await;
    let file = files.put(content()).await.unwrap();
    let away = tempfile::tempdir().unwrap();
    let strange = FileHash::of(b"strange");
    let folder = &strange.to_string()[..2];
    assert_ne!(folder, &file.to_string()[..2]);
    fs::write(away.path().join(strange.to_string()), b"strange").unwrap();
    symlink(away.path(), world.root().join(folder)).unwrap();
    fs::write(world.path(file).with_file_name("notes.txt"), b"mine").unwrap();
    fs::write(world.path(file).with_file_name(strange.to_string()), b"of another folder").unwrap();
    fs::create_dir(world.path(file).with_file_name(format!("{}{}", &file.to_string()[..2], "0".repeat(62)))).unwrap();

    assert!(files.get(strange).await.is_err());
    assert!(files.put(Bytes::from_static(b"strange")).await.is_err());
    assert!(files.remove(strange, Duration::ZERO).await.is_err());
    assert_eq!(files.older_than(Duration::ZERO, None, 10).await.unwrap(), [file]);
    assert_eq!(files.extent().await.unwrap(), (1, 100_000));
    assert_eq!(fs::read(away.path().join(strange.to_string())).unwrap(), b"strange");
}

/// A process that ends in the middle of a put leaves a part of it under a name that is no hash.
#[tokio::test]
async fn what_is_unfinished_is_never_seen_and_swept_when_it_is_old() {
    let world = Directory::new();
    let file = world.handle().await.put(content()).await.unwrap();
    let (young, old) = (world.root().join("1-0.unfinished"), world.root().join("1-1.unfinished"));
    for path in [&young, &old] {
        fs::write(path, &content()[..500]).unwrap();
    }
    make_older(&old, HOUR);
    let files = world.handle().await;
    assert!(young.exists() && !old.exists());
    assert_eq!(files.older_than(Duration::ZERO, None, 10).await.unwrap(), [file]);
    assert_eq!(files.extent().await.unwrap(), (1, 100_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_put_whose_caller_goes_away_is_there_whole_or_not_at_all() {
    let world = Directory::new();
    let files = world.handle().await;
    for number in 0..200_u32 {
        let bytes = Bytes::from(number.to_le_bytes().repeat(50_000));
        let file = FileHash::of(&bytes);
        let putting = files.clone();
        let task = tokio::spawn(async move { putting.put(bytes).await });
        let mut seen = None;
        while seen.is_none() && !task.is_finished() {
            seen = files.get(file).await.unwrap();
            if number % 3 == 0 {
                task.abort();
            }
        }
        let _ = task.await;
        assert!(seen.is_none_or(|seen| FileHash::of(&seen) == file));
    }
}

#[test]
fn a_folder_that_cannot_be_used_is_named() {
    let world = Directory::new();
    let missing = world.0.path().join("nowhere/files");
    fs::write(world.root(), b"a file").unwrap();
    for path in [missing, world.root()] {
        let answer = DirectoryFiles::new(&path).err();
        let Some(StoreError::Unusable { path: named, .. }) = &answer else { panic!("{answer:?}") };
        assert_eq!(*named, path.display().to_string());
    }
}

#[test]
fn only_hashes_are_names() {
    let file = FileHash::of(b"some");
    assert_eq!(FileHash::from_hex(&file.to_string()), Some(file));
    let upper = file.to_string().to_uppercase();
    for text in ["", "..", "../../etc/passwd", &upper, &file.to_string()[..62], &format!("{file}0"), "é"] {
        assert_eq!(FileHash::from_hex(text), None, "{text}");
    }
}
