//! The contract, held by memory and by SQLite.
#![allow(clippy::unwrap_used)]

use async_trait::async_trait;
use std::sync::Arc;
use store::contract::World;
use store::{Journal, MemoryJournal, SqliteJournal};

struct Memory(MemoryJournal);

#[async_trait]
impl World for Memory {
    async fn handle(&self) -> Arc<dyn Journal> {
        Arc::new(self.0.clone())
    }

    fn persists(&self) -> bool {
        false
    }
}

struct Sqlite(tempfile::TempDir);

#[async_trait]
impl World for Sqlite {
    async fn handle(&self) -> Arc<dyn Journal> {
        Arc::new(SqliteJournal::with_reserve(self.0.path().join("journal.db"), 4096).unwrap())
    }

    fn persists(&self) -> bool {
        true
    }
}

mod memory {
    store::contract_tests!(super::Memory(super::MemoryJournal::new()));
}

mod sqlite {
    store::contract_tests!(super::Sqlite(tempfile::tempdir().unwrap()));
}
