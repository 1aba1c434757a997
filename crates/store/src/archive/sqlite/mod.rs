//! The archive in a SQLite file of its own, with a second one for texts.
//!
//! ```text
//!   put, remove, cut_back … ──▶ desk ──▶ one thread, transactions of its own
//!   find, named, counts …   ──▶ desk ──▶ a few connections, each read on one state
//! ```
//!
//! A filter is answered by sets of numbers, chunk by chunk from the newest: see `walk.rs`.

mod about;
mod desk;
mod file;
mod finding;
mod places;
mod recount;
mod rows;
mod sets;

use super::{Archive, Counts, Entry, Found, Holdings, Memo, Place, Query, Row, Totals};
use crate::StoreError;
use crate::fault::Fault;
use async_trait::async_trait;
use bytes::Bytes;
use desk::Desk;
use file::Paths;
pub(crate) use recount::recount;
use rows::Texts;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::path::Path;

/// An archive in the SQLite file at a path. Dropping it waits until the file is closed.
pub struct SqliteArchive {
    desk: Desk,
    texts: Texts,
}

impl SqliteArchive {
    /// Opens the file at `path`, or creates it in a directory that exists. With `search` texts are
    /// kept in the file there; those of entries that were put without it cannot be found.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] says what is wrong with the path or the file and what to do.
    pub fn new(path: impl AsRef<Path>, search: Option<&Path>) -> Result<SqliteArchive, StoreError> {
        // An absolute path is a path to SQLite too: `:memory:` and `file:…` have no meaning.
        let absolute = |path: &Path| {
            std::path::absolute(path).map_err(|error| Fault::Unusable(error.to_string()).into_store_error(path))
        };
        let paths = Paths { archive: absolute(path.as_ref())?, search: search.map(absolute).transpose()? };
        let texts = if search.is_some() { Texts::Kept } else { Texts::NotKept };
        Ok(SqliteArchive { desk: Desk::open(paths)?, texts })
    }
}

/// Runs `work` in a transaction, durable when this returns `Ok`.
fn within<T>(connection: &mut Connection, work: impl FnOnce(&Transaction<'_>) -> Result<T, Fault>) -> Result<T, Fault> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let value = work(&transaction)?;
    transaction.commit()?;
    Ok(value)
}

#[async_trait]
impl Archive for SqliteArchive {
    async fn place(&self) -> Result<Place, StoreError> {
        self.desk.read(places::newest).await
    }

    async fn put(&self, entries: Vec<Entry>, memos: Vec<Memo>, place: Place) -> Result<(), StoreError> {
        let texts = self.texts;
        let put = move |connection: &mut Connection| {
            if texts == Texts::Kept {
                // First: a text without its entry is found by nobody, and written again.
                within(connection, |tx| rows::put_texts(tx, &entries))?;
            }
            within(connection, |tx| rows::put(tx, &entries, &memos, place))
        };
        self.desk.write(put).await
    }

    async fn entry(&self, number: u64) -> Result<Option<Row>, StoreError> {
        self.desk.read(move |tx| finding::entry(tx, number)).await
    }

    async fn named(&self, name: &str) -> Result<Option<Row>, StoreError> {
        let name = name.to_owned();
        self.desk.read(move |tx| finding::named(tx, &name)).await
    }

    async fn memo(&self, name: &str, now: i64) -> Result<Option<Bytes>, StoreError> {
        let name = name.to_owned();
        self.desk.read(move |tx| finding::memo(tx, &name, now)).await
    }

    async fn find(&self, query: &Query) -> Result<Found, StoreError> {
        if query.text.is_some() && self.texts == Texts::NotKept {
            return Err(StoreError::NoSearch);
        }
        let query = query.clone();
        self.desk.read(move |tx| finding::find(tx, &query)).await
    }

    async fn counts(&self) -> Result<Counts, StoreError> {
        self.desk.read(finding::counts).await
    }

    async fn totals(&self) -> Result<Totals, StoreError> {
        self.desk.read(finding::totals).await
    }

    async fn holdings(&self) -> Result<Holdings, StoreError> {
        let (entries, content_bytes) = self.desk.read(finding::holdings).await?;
        Ok(Holdings { entries, content_bytes, disk_bytes: self.desk.paths().disk_bytes() })
    }

    async fn remove(&self, ended_before: i64, now: i64) -> Result<Vec<u64>, StoreError> {
        let texts = self.texts;
        while !self.desk.write(move |db| within(db, |tx| rows::remove_memos(tx, now))).await? {}
        self.desk.write(move |db| within(db, |tx| rows::remove(tx, texts, ended_before))).await
    }

    async fn removed(&self, numbers: &[u64]) -> Result<(), StoreError> {
        let numbers = numbers.to_vec();
        self.desk.write(move |db| within(db, |tx| rows::removed(tx, &numbers))).await
    }

    async fn heaviest_oldest(&self, bytes: u64) -> Result<Vec<u64>, StoreError> {
        self.desk.read(move |tx| rows::heaviest_oldest(tx, bytes)).await
    }

    async fn dropped(&self, numbers: &[u64]) -> Result<(), StoreError> {
        for piece in rows::pieces(numbers) {
            let piece = piece.to_vec();
            self.desk.write(move |db| within(db, |tx| rows::dropped(tx, &piece))).await?;
        }
        Ok(())
    }

    async fn cut_back(&self, seq: u64, place: Place) -> Result<(), StoreError> {
        let texts = self.texts;
        while !self.desk.write(move |db| within(db, |tx| rows::cut_back(tx, texts, seq, place))).await? {}
        Ok(())
    }

    async fn earlier_places(&self) -> Result<Vec<Place>, StoreError> {
        self.desk.read(places::earlier).await
    }
}
