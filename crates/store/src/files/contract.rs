//! The contract of [`Files`] as tests, for every engine alike; a claim that does not hold panics.
//!
//! ```ignore
//! store::files_contract_tests!(MyWorld::new());   // inside a module: one #[tokio::test] per claim
//! ```
#![allow(clippy::unwrap_used)]

use super::Files;
use crate::FileHash;
use async_trait::async_trait;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(60 * 60);

/// How often a put and a removal meet; a lock that is missing is noticed within a few hundred.
const MEETINGS: usize = 2_000;

/// A place with files, none when the world is new.
#[async_trait]
pub trait World: Send + Sync {
    /// Another way to the files.
    async fn handle(&self) -> Arc<dyn Files>;

    /// Makes everything that is there older by `by`, as time would.
    async fn grow_older(&self, by: Duration);
}

/// Makes a `#[tokio::test]` of every claim; `$world` is evaluated anew for each.
#[macro_export]
macro_rules! files_contract_tests {
    ($world:expr) => {
        $crate::files_contract_tests! { $world =>
            what_was_put_is_there_under_its_hash
            putting_again_only_begins_its_age_anew
            old_files_are_listed_in_pages_in_order
            only_what_is_old_is_removed
            what_is_held_is_not_removed_whatever_its_age
            a_put_that_answered_is_never_removed_by_a_removal_beside_it
        }
    };
    ($world:expr => $($claim:ident)*) => {
        $(
            #[tokio::test]
            async fn $claim() {
                $crate::files::contract::$claim(&$world).await;
            }
        )*
    };
}

fn content(number: u32) -> Bytes {
    Bytes::from(format!("the content {number}"))
}

/// Of every size, through every handle, and counted.
pub async fn what_was_put_is_there_under_its_hash(world: &dyn World) {
    let files = world.handle().await;
    assert_eq!(files.extent().await.unwrap(), (0, 0));
    let contents = [Bytes::new(), content(1), Bytes::from(vec![7; (5 << 20) + 1])];
    for bytes in &contents {
        assert_eq!(files.get(FileHash::of(bytes)).await.unwrap(), None);
        assert_eq!(files.put(bytes.clone()).await.unwrap(), FileHash::of(bytes));
        assert_eq!(world.handle().await.get(FileHash::of(bytes)).await.unwrap().as_ref(), Some(bytes));
    }
    let bytes: usize = contents.iter().map(Bytes::len).sum();
    assert_eq!(world.handle().await.extent().await.unwrap(), (3, bytes as u64));
    assert_eq!(files.get(FileHash::of(b"never put")).await.unwrap(), None);
}

/// The same bytes are one file.
pub async fn putting_again_only_begins_its_age_anew(world: &dyn World) {
    let files = world.handle().await;
    let file = files.put(content(1)).await.unwrap();
    world.grow_older(2 * HOUR).await;
    assert_eq!(files.older_than(HOUR, None, 10).await.unwrap(), [file]);
    assert_eq!(world.handle().await.put(content(1)).await.unwrap(), file);
    assert_eq!(files.older_than(HOUR, None, 10).await.unwrap(), []);
    assert_eq!(files.older_than(Duration::ZERO, None, 10).await.unwrap(), [file]);
    assert_eq!(files.extent().await.unwrap(), (1, content(1).len() as u64));
    assert_eq!(files.get(file).await.unwrap(), Some(content(1)));
}

/// From every place, in pages of every size.
pub async fn old_files_are_listed_in_pages_in_order(world: &dyn World) {
    let files = world.handle().await;
    let mut old = Vec::new();
    for number in 0..300 {
        old.push(files.put(content(number)).await.unwrap());
    }
    world.grow_older(2 * HOUR).await;
    for number in 300..310 {
        files.put(content(number)).await.unwrap();
    }
    old.sort();
    for max in [0, 1, 7, 300, 301] {
        let page = files.older_than(HOUR, None, max).await.unwrap();
        assert_eq!(page, old[..max.min(300)]);
    }
    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let page = files.older_than(HOUR, after, 47).await.unwrap();
        after = page.last().copied();
        if page.is_empty() {
            break;
        }
        seen.extend(page);
        assert!(seen.len() <= old.len(), "a page began before the end of the last one");
    }
    assert_eq!(seen, old);
}

/// By its own age, whatever was listed before.
pub async fn only_what_is_old_is_removed(world: &dyn World) {
    let files = world.handle().await;
    let (old, renewed) = (files.put(content(1)).await.unwrap(), files.put(content(2)).await.unwrap());
    world.grow_older(2 * HOUR).await;
    files.put(content(2)).await.unwrap();
    let answers: BTreeMap<FileHash, bool> = [(old, true), (renewed, false)].into();
    for (file, is_removed) in answers {
        assert_eq!(files.remove(file, HOUR).await.unwrap(), is_removed);
        assert_eq!(files.get(file).await.unwrap().is_none(), is_removed);
        assert!(!files.remove(file, HOUR).await.unwrap());
    }
    assert!(files.remove(renewed, Duration::ZERO).await.unwrap());
    assert_eq!(files.extent().await.unwrap(), (0, 0));
    assert_eq!(files.put(content(1)).await.unwrap(), old);
    assert_eq!(files.get(old).await.unwrap(), Some(content(1)));
}

/// Held before it is put and as often as it is; a clock that was set makes it no older.
pub async fn what_is_held_is_not_removed_whatever_its_age(world: &dyn World) {
    let files = world.handle().await;
    let holds = [files.hold(FileHash::of(&content(1))), files.hold(FileHash::of(&content(1)))];
    let (file, other) = (files.put(content(1)).await.unwrap(), files.put(content(2)).await.unwrap());
    assert_eq!(holds[0].file(), file);
    world.grow_older(2 * HOUR).await;
    assert_eq!(files.older_than(HOUR, None, 10).await.unwrap(), [other]);
    assert!(files.remove(other, HOUR).await.unwrap());
    for hold in holds {
        assert!(!files.remove(file, HOUR).await.unwrap());
        assert_eq!(files.get(file).await.unwrap(), Some(content(1)));
        drop(hold);
    }
    assert_eq!(files.older_than(HOUR, None, 10).await.unwrap(), [file]);
    assert!(files.remove(file, HOUR).await.unwrap());
}

/// Whichever comes first: what `put` answered for can be named by a record.
pub async fn a_put_that_answered_is_never_removed_by_a_removal_beside_it(world: &dyn World) {
    let files = world.handle().await;
    let file = files.put(content(1)).await.unwrap();
    for meeting in 0..MEETINGS {
        world.grow_older(2 * HOUR).await;
        let (put, removed) = tokio::join!(files.put(content(1)), files.remove(file, HOUR));
        assert_eq!(put.unwrap(), file);
        removed.unwrap();
        assert_eq!(files.get(file).await.unwrap(), Some(content(1)), "at meeting {meeting}");
    }
}
