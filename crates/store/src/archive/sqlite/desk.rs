//! The one thread that writes the archive, and the few connections that read it.

use super::file::{Paths, empty_the_log};
use crate::StoreError;
use crate::fault::Fault;
use rusqlite::{Connection, Transaction};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::{Semaphore, mpsc, oneshot};

/// Orders that wait for the writer; beyond that their senders wait.
const ORDERS_MAX: usize = 16;

/// Rows that are changed before the log is brought into the file: some 50 MiB of log. More saves
/// writing the same pages again, and makes the pause between two orders longer.
const LOG_CHANGES_MAX: u64 = 60_000;

/// Reads at a time; more wait. Each costs a thread and a page cache.
const READERS_MAX: usize = 4;

type Order = Box<dyn FnOnce(&mut Writing) + Send>;

/// The handle on both. When it is dropped the writer finishes its orders, brings the log into the
/// file and closes it; the drop waits for that.
pub(super) struct Desk {
    orders: Option<mpsc::Sender<Order>>,
    thread: Option<JoinHandle<()>>,
    readers: Arc<Readers>,
}

struct Readers {
    paths: Paths,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
    doubt: Arc<AtomicBool>,
}

/// What the thread works with.
struct Writing {
    paths: Paths,
    /// `None` after a failure that leaves it unclear what a connection holds.
    connection: Option<Connection>,
    /// Raised while there is no connection: what can be read then is perhaps not on disk.
    doubt: Arc<AtomicBool>,
    /// Changes of this connection when the log was last emptied.
    changes: u64,
}

impl Desk {
    /// Opens the files and starts the thread.
    pub(super) fn open(paths: Paths) -> Result<Desk, StoreError> {
        let connection = paths.open()?;
        let doubt = Arc::new(AtomicBool::new(false));
        let (orders, mut inbox) = mpsc::channel::<Order>(ORDERS_MAX);
        let changes = connection.total_changes();
        let mut writing = Writing { paths: paths.clone(), connection: Some(connection), doubt: doubt.clone(), changes };
        let thread = std::thread::Builder::new().name("archive-writer".to_owned()).spawn(move || {
            while let Some(order) = inbox.blocking_recv() {
                order(&mut writing);
            }
            writing.close();
        });
        let thread = thread.map_err(|error| StoreError::Unavailable { why: format!("no thread to write: {error}") })?;
        let permits = Arc::new(Semaphore::new(READERS_MAX));
        let readers = Arc::new(Readers { paths, idle: Mutex::default(), permits, doubt });
        Ok(Desk { orders: Some(orders), thread: Some(thread), readers })
    }

    /// Runs `work`, whose transactions are durable when this returns `Ok`. Goes on if the caller
    /// stops waiting.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let gone = || StoreError::Unavailable { why: "the archive's writer has ended".to_owned() };
        let (answer, answered) = oneshot::channel();
        let order: Order = Box::new(move |writing| {
            // Who asked may have stopped waiting; what was written stays.
            let _ = answer.send(writing.run(work));
            writing.tidy();
        });
        let orders = self.orders.as_ref().ok_or_else(gone)?;
        orders.send(order).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }

    /// Runs `work` on one durable state of the file, on a thread that may block.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let failed = |why: String| StoreError::Unavailable { why };
        let readers = Arc::clone(&self.readers);
        let permit = Arc::clone(&readers.permits).acquire_owned().await.map_err(|error| failed(error.to_string()))?;
        let task = tokio::task::spawn_blocking(move || {
            // Held until the thread is done, also if nobody waits for it any more.
            let _permit = permit;
            readers.run(work).map_err(|fault| fault.into_store_error(&readers.paths.archive))
        });
        task.await.map_err(|error| failed(format!("the read ended early: {error}")))?
    }

    pub(super) fn paths(&self) -> &Paths {
        &self.readers.paths
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        // The last connection to close tidies the file up: that is the writer's.
        self.readers.idle().clear();
        drop(self.orders.take());
        if let Some(thread) = self.thread.take() {
            // A panic in there has been reported by the panic hook already.
            let _ = thread.join();
        }
    }
}

impl Readers {
    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection on which something failed is not used again.
    fn run<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T, Fault>) -> Result<T, Fault> {
        let kept = self.idle().pop();
        let mut connection = kept.map_or_else(|| self.paths.open_reader(), Ok)?;
        let transaction = connection.transaction()?;
        let outcome = work(&transaction);
        transaction.finish()?;
        if !matches!(outcome, Err(Fault::Sql(_))) {
            self.idle().push(connection);
        }
        // Asked last: what was read before a failure was durable.
        if self.doubt.load(Ordering::SeqCst) {
            let why = "the last write failed, and the file has not been opened again since".to_owned();
            return Err(StoreError::Unavailable { why }.into());
        }
        outcome
    }
}

impl Writing {
    fn run<T>(&mut self, work: impl FnOnce(&mut Connection) -> Result<T, Fault>) -> Result<T, StoreError> {
        let outcome = self.connection().and_then(work);
        outcome.map_err(|fault| self.failed(fault))
    }

    fn connection(&mut self) -> Result<&mut Connection, Fault> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                let connection = self.paths.reopen()?;
                self.doubt.store(false, Ordering::SeqCst);
                self.changes = connection.total_changes();
                connection
            }
        };
        Ok(self.connection.insert(connection))
    }

    fn failed(&mut self, fault: Fault) -> StoreError {
        if fault.breaks_the_connection() {
            // First: whoever opens the file from now on finds what was not synced.
            self.doubt.store(true, Ordering::SeqCst);
            self.connection = None;
        }
        fault.into_store_error(&self.paths.archive)
    }

    /// Brings the log into the file when it has grown by enough. A failure here breaks no promise:
    /// what was answered is durable in the log.
    fn tidy(&mut self) {
        let Some(connection) = &self.connection else { return };
        let changes = connection.total_changes();
        if changes - self.changes < LOG_CHANGES_MAX {
            return;
        }
        self.changes = changes;
        if let Err(fault) = empty_the_log(connection, "PASSIVE") {
            let error = self.failed(fault);
            tracing::warn!(%error, "the archive's log was not brought into its file");
        }
    }

    fn close(self) {
        let Some(connection) = self.connection else { return };
        let outcome = empty_the_log(&connection, "TRUNCATE");
        let closed = connection.close().map_err(|(_, error)| error.into());
        if let Err(fault) = outcome.and(closed) {
            // Nothing is lost: the next opening finds the log.
            let error = fault.into_store_error(&self.paths.archive);
            tracing::warn!(%error, "the archive was not closed tidily");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::ffi;

    #[tokio::test]
    async fn every_commit_is_synced_in_both_files() {
        let folder = tempfile::tempdir().unwrap();
        let (archive, search) = (folder.path().join("archive"), Some(folder.path().join("search")));
        let desk = Desk::open(Paths { archive, search }).unwrap();
        let failed: Result<(), _> = desk.write(|_| Err(Fault::Sql(broken()))).await;
        assert!(failed.is_err(), "it is opened again");
        let full = |schema| {
            move |db: &mut Connection| Ok(db.pragma_query_value(schema, "synchronous", |row| row.get::<_, i32>(0))?)
        };
        for schema in [None, Some("search")] {
            assert_eq!(desk.write(full(schema)).await.unwrap(), 2, "{schema:?}");
        }
    }

    fn broken() -> rusqlite::Error {
        rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_IOERR_FSYNC), None)
    }

    #[tokio::test]
    async fn after_a_failed_fsync_nothing_is_read_until_the_next_write_opens_the_file_again() {
        let folder = tempfile::tempdir().unwrap();
        let desk = Desk::open(Paths { archive: folder.path().join("archive"), search: None }).unwrap();
        let entries =
            |db: &Transaction<'_>| Ok(db.query_row("SELECT entries FROM meta", (), |row| row.get::<_, u64>(0))?);
        let failed: Result<(), _> = desk
            .write(|db| {
                db.execute("UPDATE meta SET entries = 7", ())?;
                Err(broken().into())
            })
            .await;
        assert!(matches!(failed, Err(StoreError::Unavailable { .. })), "{failed:?}");
        let read = desk.read(entries).await;
        assert!(matches!(read, Err(StoreError::Unavailable { .. })), "{read:?}");
        desk.write(|_| Ok(())).await.unwrap();
        assert_eq!(desk.read(entries).await.unwrap(), 7);
    }
}
