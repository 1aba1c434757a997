//! The one thread that writes.

use super::fault::Fault;
use super::readers::Doubt;
use super::schema;
use crate::StoreError;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot};

/// Orders that wait for the writer; beyond that their senders wait.
const ORDERS_MAX: usize = 16;

/// How much is written to the log before it is brought into the file. More makes commits a little
/// faster and the pause between two of them longer.
const LOG_BYTES_MAX: usize = 2 * 1024 * 1024;

/// What a transaction costs in the log beside its bytes: the pages around them.
const TRANSACTION_OVERHEAD_BYTES: usize = 8 * 1024;

type Order = Box<dyn FnOnce(&mut Desk) + Send>;

/// The handle on the writer's thread. When it is dropped the thread finishes its orders, brings
/// the log into the file and closes it; the drop waits for that.
pub(super) struct Writer {
    orders: Option<mpsc::Sender<Order>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread on an open `connection` to the file at `path`.
    pub(super) fn start(path: &Path, connection: Connection, doubt: Arc<Doubt>) -> Result<Writer, StoreError> {
        let (orders, mut inbox) = mpsc::channel::<Order>(ORDERS_MAX);
        let mut desk = Desk { path: path.to_owned(), connection: Some(connection), log_bytes: 0, doubt };
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || {
                while let Some(order) = inbox.blocking_recv() {
                    order(&mut desk);
                }
                desk.close();
            })
            .map_err(|error| StoreError::Unavailable { why: format!("no thread to write: {error}") })?;
        Ok(Writer { orders: Some(orders), thread: Some(thread) })
    }

    /// Runs `work`, which writes about `bytes`, in a transaction of its own. When this returns
    /// `Ok` all of it is durable; otherwise none of it is visible, except that after
    /// `Unavailable` it may be. Goes on if the caller stops waiting.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        bytes: usize,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let gone = || StoreError::Unavailable { why: "its writer has ended".to_owned() };
        let (answer, answered) = oneshot::channel();
        let order: Order = Box::new(move |desk| {
            // Who asked may have stopped waiting; what was written stays.
            let _ = answer.send(desk.transact(work));
            desk.tidy(bytes);
        });
        let orders = self.orders.as_ref().ok_or_else(gone)?;
        orders.send(order).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.orders.take());
        if let Some(thread) = self.thread.take() {
            // A panic in there has been reported by the panic hook already.
            let _ = thread.join();
        }
    }
}

/// What the thread works with.
struct Desk {
    path: PathBuf,
    /// `None` after a failure that leaves it unclear what a connection holds.
    connection: Option<Connection>,
    /// About how much the log holds that the file does not.
    log_bytes: usize,
    /// Raised exactly while there is no connection.
    doubt: Arc<Doubt>,
}

impl Desk {
    fn transact<T>(&mut self, work: impl FnOnce(&Transaction<'_>) -> Result<T, Fault>) -> Result<T, StoreError> {
        let outcome = self.connection().and_then(|connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = work(&transaction)?;
            transaction.commit()?;
            Ok(value)
        });
        outcome.map_err(|fault| self.failed(fault))
    }

    /// The connection; a new one if the last was given up. What a new one finds is durable: the
    /// record that a failed `fsync` left behind must not pass for a written one.
    fn connection(&mut self) -> Result<&mut Connection, Fault> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                let connection = schema::reopen(&self.path)?;
                schema::empty_the_log(&connection)?;
                self.doubt.settle();
                connection
            }
        };
        Ok(self.connection.insert(connection))
    }

    fn failed(&mut self, fault: Fault) -> StoreError {
        if fault.breaks_the_connection() {
            // First: whoever opens the file from now on finds what was not synced.
            self.doubt.raise();
            self.connection = None;
        }
        fault.into_store_error(&self.path)
    }

    /// Brings the log into the file when it has grown by enough. A failure here breaks no
    /// promise, what was answered is durable in the log; the next attempt begins anew.
    fn tidy(&mut self, written: usize) {
        self.log_bytes += written + TRANSACTION_OVERHEAD_BYTES;
        let Some(connection) = self.connection.as_ref() else {
            return;
        };
        if self.log_bytes < LOG_BYTES_MAX {
            return;
        }
        self.log_bytes = 0;
        if let Err(error) = schema::move_the_log(connection) {
            let error = self.failed(error.into());
            tracing::warn!(%error, path = %self.path.display(), "the log was not brought into the file");
        }
    }

    fn close(self) {
        let Some(connection) = self.connection else {
            return;
        };
        let outcome = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()));
        let closed = connection.close().map_err(|(_, error)| error);
        if let Err(error) = outcome.and(closed) {
            // Nothing is lost: the next opening finds the log.
            tracing::warn!(%error, path = %self.path.display(), "the store was not closed tidily");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::readers::Readers;
    use crate::sqlite::records;
    use crate::{Batch, Position};
    use bytes::Bytes;
    use rusqlite::ffi;

    fn desk(folder: &tempfile::TempDir) -> Desk {
        let path = folder.path().join("journal.db");
        let connection = Some(schema::found(&path).unwrap());
        Desk { path, connection, log_bytes: 0, doubt: Arc::default() }
    }

    fn batch(bytes: usize) -> Batch {
        Batch { events: 1, bytes: Bytes::from(vec![7; bytes]), blobs: Vec::new() }
    }

    #[tokio::test]
    async fn after_a_failed_fsync_nothing_is_read_until_the_next_use_opens_the_file_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut desk = desk(&folder);
        let readers = Arc::new(Readers::new(&desk.path, desk.doubt.clone()));
        let epoch = desk.transact(|tx| records::open(tx, 1)).unwrap().epoch;

        let failed: Result<(), _> = desk.transact(|tx| {
            records::append(tx, epoch, Position::START, &batch(10))?;
            let code = ffi::Error::new(ffi::SQLITE_IOERR_FSYNC);
            Err(rusqlite::Error::SqliteFailure(code, None).into())
        });
        assert!(matches!(failed, Err(StoreError::Unavailable { .. })), "{failed:?}");
        assert!(desk.connection.is_none());
        let read = readers.read(|db| records::tail(db)).await;
        assert!(matches!(read, Err(StoreError::Unavailable { .. })), "{read:?}");

        let position = desk.transact(|tx| records::append(tx, epoch, Position::START, &batch(10)));
        assert_eq!(position.unwrap().seq, 1);
        assert_eq!(readers.read(|db| records::tail(db)).await.unwrap().seq, 1);
    }

    #[test]
    fn a_full_disk_is_said_and_the_same_append_succeeds_when_there_is_room() {
        let folder = tempfile::tempdir().unwrap();
        let mut desk = desk(&folder);
        let epoch = desk.transact(|tx| records::open(tx, 1)).unwrap().epoch;
        let limit = |desk: &Desk, pages: i64| {
            let connection = desk.connection.as_ref().unwrap();
            connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).unwrap();
        };
        limit(&desk, 20);
        let batch = batch(1024 * 1024);
        let refused = desk.transact(|tx| records::append(tx, epoch, Position::START, &batch));
        assert!(matches!(refused, Err(StoreError::Full { .. })), "{refused:?}");
        assert_eq!(desk.transact(|tx| records::tail(tx)).unwrap(), Position::START);

        limit(&desk, 20_000);
        let position = desk.transact(|tx| records::append(tx, epoch, Position::START, &batch));
        assert_eq!(position.unwrap().seq, 1);
    }
}
