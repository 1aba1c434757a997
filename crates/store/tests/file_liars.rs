//! The contract of files bites: engines that break one promise each, and the claim that catches them.
#![allow(clippy::unwrap_used)]

use async_trait::async_trait;
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use store::files::contract::{self, World};
use store::{FileHash, Files, Hold, MemoryFiles, StoreError};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Lie {
    Nothing,
    /// Answers before it has stored, and then does not.
    DropsAPut,
    /// A file that is there keeps its age.
    KeepsTheAge,
    /// Takes what it listed for what it may remove.
    RemovesWhatIsYoung,
    /// Looks at the age alone.
    RemovesWhatIsHeld,
    /// Lists from the beginning again.
    ForgetsWhereAPageEnded,
    ListsInNoOrder,
    CountsWrong,
}

struct Liar {
    lie: Lie,
    truth: MemoryFiles,
}

struct LiarsWorld(Lie, MemoryFiles);

#[async_trait]
impl World for LiarsWorld {
    async fn handle(&self) -> Arc<dyn Files> {
        Arc::new(Liar { lie: self.0, truth: self.1.clone() })
    }

    async fn grow_older(&self, by: Duration) {
        tokio::time::pause();
        tokio::time::advance(by).await;
        tokio::time::resume();
    }
}

#[async_trait]
impl Files for Liar {
    async fn put(&self, bytes: Bytes) -> Result<FileHash, StoreError> {
        let file = FileHash::of(&bytes);
        let is_there = self.truth.get(file).await?.is_some();
        match self.lie {
            Lie::DropsAPut => Ok(file),
            Lie::KeepsTheAge if is_there => Ok(file),
            _ => self.truth.put(bytes).await,
        }
    }

    async fn get(&self, file: FileHash) -> Result<Option<Bytes>, StoreError> {
        self.truth.get(file).await
    }

    async fn older_than(
        &self,
        age: Duration,
        after: Option<FileHash>,
        max: usize,
    ) -> Result<Vec<FileHash>, StoreError> {
        let after = after.filter(|_| self.lie != Lie::ForgetsWhereAPageEnded);
        let mut found = self.truth.older_than(age, after, max).await?;
        if self.lie == Lie::ListsInNoOrder {
            found.reverse();
        }
        Ok(found)
    }

    fn hold(&self, file: FileHash) -> Hold {
        let elsewhere = MemoryFiles::new();
        if self.lie == Lie::RemovesWhatIsHeld { elsewhere.hold(file) } else { self.truth.hold(file) }
    }

    async fn remove(&self, file: FileHash, age: Duration) -> Result<bool, StoreError> {
        let age = if self.lie == Lie::RemovesWhatIsYoung { Duration::ZERO } else { age };
        self.truth.remove(file, age).await
    }

    async fn extent(&self) -> Result<(u64, u64), StoreError> {
        let (files, bytes) = self.truth.extent().await?;
        Ok((files + u64::from(self.lie == Lie::CountsWrong), bytes))
    }
}

fn liar(lie: Lie) -> LiarsWorld {
    LiarsWorld(lie, MemoryFiles::new())
}

/// Runs each claim on files with `lie` and expects it to panic.
macro_rules! caught {
    ($($test:ident: $lie:ident by $($claim:ident),+;)*) => {
        $(
            #[tokio::test]
            async fn $test() {
                $(
                    let claim = tokio::spawn(async { contract::$claim(&liar(Lie::$lie)).await });
                    let caught = claim.await.is_err_and(|error| error.is_panic());
                    assert!(caught, "{} was believed", stringify!($lie));
                )+
            }
        )*
    };
}

caught! {
    a_dropped_put_is_caught: DropsAPut by
        what_was_put_is_there_under_its_hash, a_put_that_answered_is_never_removed_by_a_removal_beside_it;
    a_kept_age_is_caught: KeepsTheAge by
        putting_again_only_begins_its_age_anew, a_put_that_answered_is_never_removed_by_a_removal_beside_it;
    a_removal_of_the_young_is_caught: RemovesWhatIsYoung by only_what_is_old_is_removed;
    a_removal_of_what_is_held_is_caught: RemovesWhatIsHeld by what_is_held_is_not_removed_whatever_its_age;
    a_page_from_the_beginning_is_caught: ForgetsWhereAPageEnded by old_files_are_listed_in_pages_in_order;
    a_list_in_no_order_is_caught: ListsInNoOrder by old_files_are_listed_in_pages_in_order;
    a_wrong_count_is_caught: CountsWrong by what_was_put_is_there_under_its_hash;
}

mod who_tells_no_lie {
    store::files_contract_tests!(super::liar(super::Lie::Nothing));
}
