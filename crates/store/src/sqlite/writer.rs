//! The one thread that writes.

use super::log::{self, Advice, Log};
use super::readers::Doubt;
use super::reserve::Reserve;
use super::schema;
use crate::StoreError;
use crate::fault::Fault;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot};

/// Orders that wait for the writer; beyond that their senders wait.
const ORDERS_MAX: usize = 16;

type Order = Box<dyn FnOnce(&mut Desk) + Send>;

/// The handle on the writer's thread. When it is dropped the thread finishes its orders, brings
/// the log into the file and closes it; the drop waits for that.
pub(super) struct Writer {
    orders: Option<mpsc::Sender<Order>>,
    thread: Option<JoinHandle<()>>,
}

/// A way to order that does not keep the writer alive.
#[derive(Clone)]
pub(super) struct Orders(mpsc::WeakSender<Order>);

impl Writer {
    /// Starts the thread on an open `connection` to the file at `path`.
    pub(super) fn start(
        path: &Path,
        connection: Connection,
        doubt: Arc<Doubt>,
        reserve: Arc<Reserve>,
    ) -> Result<Writer, StoreError> {
        let no_thread = |error| StoreError::Unavailable { why: format!("no thread to write: {error}") };
        let (orders, mut inbox) = mpsc::channel::<Order>(ORDERS_MAX);
        let log = Log::start(path, doubt.clone(), reserve.clone(), Orders(orders.downgrade())).map_err(no_thread)?;
        let connection = Some(connection);
        let mut desk = Desk { path: path.to_owned(), connection, log, long_pages: log::LONG_PAGES, doubt, reserve };
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || {
                while let Some(order) = inbox.blocking_recv() {
                    order(&mut desk);
                }
                desk.close();
            })
            .map_err(no_thread)?;
        Ok(Writer { orders: Some(orders), thread: Some(thread) })
    }

    /// Runs `work` in a transaction of its own. When this returns `Ok` all of it is durable;
    /// otherwise none of it is visible, except that after `Unavailable` it may be. Goes on if the
    /// caller stops waiting. `work` is repeated once if the disk was full and the reserve was there.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&Transaction<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (order, answered) = order(work);
        let orders = self.orders.as_ref().ok_or_else(gone)?;
        orders.send(order).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }

    pub(super) fn orders(&self) -> Result<Orders, StoreError> {
        Ok(Orders(self.orders.as_ref().ok_or_else(gone)?.downgrade()))
    }
}

impl Orders {
    #[cfg(test)]
    pub(super) fn to_nobody() -> Orders {
        Orders(mpsc::channel(1).0.downgrade())
    }

    /// [`Writer::write`] on a thread that may block.
    pub(super) fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&Transaction<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (order, answered) = order(work);
        self.0.upgrade().ok_or_else(gone)?.blocking_send(order).map_err(|_| gone())?;
        answered.blocking_recv().map_err(|_| gone())?
    }

    /// Has the writer open the file again, if there is doubt.
    pub(super) fn settle(&self) {
        if let Some(orders) = self.0.upgrade() {
            // A full queue does the same: every order begins with it.
            let _ = orders.try_send(Box::new(Desk::settle));
        }
    }
}

fn order<T: Send + 'static>(
    work: impl Fn(&Transaction<'_>) -> Result<T, Fault> + Send + 'static,
) -> (Order, oneshot::Receiver<Result<T, StoreError>>) {
    let (answer, answered) = oneshot::channel();
    let order: Order = Box::new(move |desk| {
        // Who asked may have stopped waiting; what was written stays.
        let _ = answer.send(desk.transact(work));
        desk.tidy();
    });
    (order, answered)
}

fn gone() -> StoreError {
    StoreError::Unavailable { why: "its writer has ended".to_owned() }
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
    log: Log,
    /// From here on the log is to begin anew.
    long_pages: u64,
    /// Raised while there is no connection, and when the log's thread failed.
    doubt: Arc<Doubt>,
    reserve: Arc<Reserve>,
}

impl Desk {
    fn transact<T>(&mut self, work: impl Fn(&Transaction<'_>) -> Result<T, Fault>) -> Result<T, StoreError> {
        let seen = self.reserve.given();
        let attempt = |desk: &mut Desk| desk.attempt(&work).map_err(|fault| desk.reserve.explain(fault));
        let mut outcome = attempt(self);
        if outcome.as_ref().is_err_and(Fault::is_full) && self.reserve.release(seen) {
            outcome = attempt(self);
        }
        outcome.map_err(|fault| self.failed(fault))
    }

    fn attempt<T>(&mut self, work: impl Fn(&Transaction<'_>) -> Result<T, Fault>) -> Result<T, Fault> {
        let transaction = self.connection()?.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let value = work(&transaction)?;
        transaction.commit()?;
        Ok(value)
    }

    /// The connection; a new one if there is doubt about the last. What a new one finds is
    /// durable: the record that a failed `fsync` left behind must not pass for a written one.
    fn connection(&mut self) -> Result<&mut Connection, Fault> {
        let raised = self.doubt.raised();
        let connection = match self.connection.take().filter(|_| raised.is_none()) {
            Some(connection) => connection,
            None => {
                let connection = schema::reopen(&self.path)?;
                schema::empty_the_log(&connection)?;
                self.doubt.settle(raised);
                connection
            }
        };
        Ok(self.connection.insert(connection))
    }

    fn settle(&mut self) {
        if let Err(fault) = self.connection() {
            let error = self.failed(fault);
            tracing::warn!(%error, path = %self.path.display(), "the file cannot be opened again");
        }
    }

    fn failed(&mut self, fault: Fault) -> StoreError {
        if fault.breaks_the_connection() {
            // First: whoever opens the file from now on finds what was not synced.
            self.doubt.raise();
            self.connection = None;
        }
        fault.into_store_error(&self.path)
    }

    /// Sees to the log. A failure here breaks no promise, what was answered is durable in it; the
    /// next attempt begins anew.
    fn tidy(&mut self) {
        let Some(connection) = self.connection.as_ref() else {
            return;
        };
        let outcome = schema::log_pages(connection).and_then(|(all, behind)| {
            if all < log::LONG_PAGES {
                self.long_pages = log::LONG_PAGES;
            }
            match Log::advice(all, behind, self.long_pages) {
                Advice::Wake | Advice::CatchUp(_) if !self.log.wake() => schema::move_the_log(connection)?,
                Advice::CatchUp(limit) => self.log.wait(limit),
                Advice::Nothing | Advice::Wake => {}
                Advice::Finish => {
                    self.long_pages = all + log::AGAIN_PAGES;
                    schema::move_the_log(connection)?;
                }
            }
            Ok(())
        });
        if let Err(error) = outcome {
            let error = self.failed(error.into());
            tracing::warn!(%error, path = %self.path.display(), "the log was not brought into the file");
        }
    }

    fn close(self) {
        // Two that bring the log into the file would hinder one another.
        drop(self.log);
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
    use crate::{Batch, Position, Room};
    use bytes::Bytes;
    use rusqlite::ffi;

    /// A desk whose log's thread has no writer to call.
    fn desk(folder: &tempfile::TempDir) -> Desk {
        let path = folder.path().join("journal.db");
        let connection = Some(schema::found(&path).unwrap());
        let (doubt, reserve) = (Arc::<Doubt>::default(), Arc::new(Reserve::take(&path, 1024 * 1024)));
        let log = Log::start(&path, doubt.clone(), reserve.clone(), Orders::to_nobody()).unwrap();
        Desk { path, connection, log, long_pages: log::LONG_PAGES, doubt, reserve }
    }

    fn batch(bytes: usize) -> Batch {
        Batch { events: 1, bytes: Bytes::from(vec![7; bytes]), ..Batch::default() }
    }

    fn failure(code: i32) -> Fault {
        rusqlite::Error::SqliteFailure(ffi::Error::new(code), None).into()
    }

    #[tokio::test]
    async fn after_a_failed_fsync_nothing_is_read_until_the_next_use_opens_the_file_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut desk = desk(&folder);
        let readers = Arc::new(Readers::new(&desk.path, desk.doubt.clone()));
        let epoch = desk.transact(|tx| records::open(tx, 1)).unwrap().epoch;

        let failed: Result<(), _> = desk.transact(|tx| {
            records::append(tx, epoch, Position::START, &batch(10))?;
            Err(failure(ffi::SQLITE_IOERR_FSYNC))
        });
        assert!(matches!(failed, Err(StoreError::Unavailable { .. })), "{failed:?}");
        assert!(desk.connection.is_none());
        let read = readers.read(|db| records::tail(db)).await;
        assert!(matches!(read, Err(StoreError::Unavailable { .. })), "{read:?}");

        let position = desk.transact(|tx| records::append(tx, epoch, Position::START, &batch(10)));
        assert_eq!(position.unwrap().seq, 1);
        assert_eq!(readers.read(|db| records::tail(db)).await.unwrap().seq, 1);
    }

    #[tokio::test]
    async fn doubt_from_elsewhere_makes_the_writer_open_the_file_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut desk = desk(&folder);
        let readers = Arc::new(Readers::new(&desk.path, desk.doubt.clone()));
        desk.transact(|tx| records::open(tx, 1)).unwrap();
        desk.connection.as_ref().unwrap().execute_batch("CREATE TEMP TABLE mark (x)").unwrap();
        desk.doubt.raise();
        let read = readers.read(|db| records::tail(db)).await;
        assert!(matches!(read, Err(StoreError::Unavailable { .. })), "{read:?}");

        desk.settle();
        assert_eq!(readers.read(|db| records::tail(db)).await.unwrap(), Position::START);
        let mark = desk.connection.as_ref().unwrap().execute_batch("SELECT * FROM mark");
        assert!(mark.is_err(), "it is still the old connection");
    }

    #[test]
    fn the_log_stays_short_though_its_thread_has_died() {
        let folder = tempfile::tempdir().unwrap();
        let mut desk = desk(&folder);
        desk.log = Log::of_a_dead_thread();
        let epoch = desk.transact(|tx| records::open(tx, 1)).unwrap().epoch;
        let (batch, mut at) = (batch(200_000), Position::START);
        for _ in 0..20 {
            at = desk.transact(|tx| records::append(tx, epoch, at, &batch)).unwrap();
            desk.tidy();
        }
        let log = std::fs::metadata(folder.path().join("journal.db-wal")).unwrap().len();
        assert!(log < 1_000_000, "4 MB were written through a log of {log} bytes");
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
        assert!(matches!(&refused, Err(StoreError::Full { why }) if why.contains("journal.db")), "{refused:?}");
        assert!(matches!(desk.reserve.room(), Room::Full(_)));
        assert_eq!(desk.transact(|tx| records::tail(tx)).unwrap(), Position::START);

        limit(&desk, 20_000);
        let position = desk.transact(|tx| records::append(tx, epoch, Position::START, &batch));
        assert_eq!(position.unwrap().seq, 1);
        assert_eq!(desk.reserve.look(), Room::Enough);
    }

    #[test]
    fn a_full_disk_costs_the_reserve_and_not_the_append() {
        let folder = tempfile::tempdir().unwrap();
        let mut desk = desk(&folder);
        let epoch = desk.transact(|tx| records::open(tx, 1)).unwrap().epoch;
        let reserve = folder.path().join("journal.db.reserve");
        let append = move |tx: &Transaction<'_>| {
            let position = records::append(tx, epoch, Position::START, &batch(10))?;
            // Full while the reserve takes the room.
            match std::fs::metadata(&reserve).unwrap().len() {
                0 => Ok(position),
                _ => Err(failure(ffi::SQLITE_FULL)),
            }
        };
        assert_eq!(desk.transact(append).unwrap().seq, 1);
        assert!(matches!(desk.reserve.room(), Room::Full(_)));
        assert_eq!(desk.transact(|tx| records::tail(tx)).unwrap().seq, 1);
    }

    /// SQLite says of a quota only that a write failed. `/dev/full` refuses as a quota does.
    #[test]
    fn a_failed_write_where_there_is_no_room_is_a_full_disk_and_any_other_is_a_broken_one() {
        let folder = tempfile::tempdir().unwrap();
        let mut desk = desk(&folder);
        let failed = |desk: &mut Desk| desk.transact(|_| Err::<(), _>(failure(ffi::SQLITE_IOERR_WRITE))).unwrap_err();
        let broken = failed(&mut desk);
        assert!(matches!(broken, StoreError::Unavailable { .. }), "{broken:?}");
        assert!(desk.connection.is_none() && desk.reserve.room() == Room::Enough);
        let reserve = folder.path().join("journal.db.reserve");
        assert_eq!(std::fs::metadata(&reserve).unwrap().len(), 1024 * 1024, "what was tried left nothing behind");

        desk.transact(|tx| records::open(tx, 1)).unwrap();
        std::fs::remove_file(&reserve).unwrap();
        std::os::unix::fs::symlink("/dev/full", &reserve).unwrap();
        let full = failed(&mut desk);
        assert!(matches!(full, StoreError::Full { .. }), "{full:?}");
        assert!(desk.connection.is_some() && matches!(desk.reserve.room(), Room::Full(_)));
    }

    #[test]
    fn the_writer_waits_for_the_disk_at_every_commit() {
        let folder = tempfile::tempdir().unwrap();
        let mut desk = desk(&folder);
        desk.doubt.raise();
        for _ in 0..2 {
            let connection = desk.connection().unwrap();
            let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
            // FULL: the log is synced before the commit returns. On a Mac: to the disk itself.
            assert_eq!((pragma("synchronous"), pragma("fullfsync"), pragma("wal_autocheckpoint")), (2, 1, 0));
            desk.doubt.settle(desk.doubt.raised());
        }
    }
}
