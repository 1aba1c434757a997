//! The write-ahead log on its way into the file: on a thread of its own, so that the writer, who
//! goes on meanwhile, waits for a small remainder at most.

use super::readers::Doubt;
use super::reserve::Reserve;
use super::schema;
use super::writer::Orders;
use crate::fault::Fault;
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

const PAGE_BYTES: u64 = 4096;

/// So much is left for the thread to make its work worth its syncs. With more at a time an append
/// beside one waits longer for the disk.
const BEHIND_PAGES: u64 = 256 * 1024 / PAGE_BYTES;

/// The log begins anew only when all of it is in the file. From this length on the writer lets the
/// thread catch up, and brings the remainder there itself, between two orders.
pub(super) const LONG_PAGES: u64 = 32 * 1024 * 1024 / PAGE_BYTES;

/// Such a remainder.
const REMAINDER_PAGES_MAX: u64 = 512 * 1024 / PAGE_BYTES;

/// When someone was reading the log just then it did not begin anew: how much later to try again.
pub(super) const AGAIN_PAGES: u64 = 4 * 1024 * 1024 / PAGE_BYTES;

/// How long the writer lets the thread catch up between two orders.
const CATCH_UP_MAX: Duration = Duration::from_millis(3);

/// With a log this long it waits for the thread, however long that takes. The log grows beyond
/// only while someone reads one state of it all the time.
const LOG_PAGES_MAX: u64 = 256 * 1024 * 1024 / PAGE_BYTES;

/// The handle on the thread. Dropping it waits until the thread has ended.
pub(super) struct Log {
    wake: Option<SyncSender<()>>,
    work: Arc<Work>,
    thread: Option<JoinHandle<()>>,
}

/// What is to be done about the log.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Advice {
    Nothing,
    /// The thread has something to do.
    Wake,
    /// And the writer waits for it, at most so long.
    CatchUp(Option<Duration>),
    /// The writer brings the rest into the file, so that the log begins anew.
    Finish,
}

/// Whether the thread has something to do or is doing it.
#[derive(Default)]
struct Work {
    is_on: Mutex<bool>,
    ended: Condvar,
}

impl Work {
    fn is_on(&self) -> MutexGuard<'_, bool> {
        self.is_on.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self) {
        *self.is_on() = false;
        self.ended.notify_all();
    }
}

impl Log {
    pub(super) fn start(
        path: &Path,
        doubt: Arc<Doubt>,
        reserve: Arc<Reserve>,
        orders: Orders,
    ) -> Result<Log, std::io::Error> {
        // One pass runs, one more is asked for.
        let (wake, woken) = sync_channel(1);
        let work = Arc::new(Work::default());
        let mut mover = Mover { path: path.to_owned(), connection: None, work: work.clone(), doubt, reserve, orders };
        let thread = std::thread::Builder::new().name("store-log".to_owned()).spawn(move || mover.run(&woken))?;
        Ok(Log { wake: Some(wake), work, thread: Some(thread) })
    }

    /// Of a log of `all` pages, `behind` of which are not in the file, where `long` ones are long.
    pub(super) fn advice(all: u64, behind: u64, long: u64) -> Advice {
        match behind {
            0 => Advice::Nothing,
            ..=REMAINDER_PAGES_MAX if all >= long => Advice::Finish,
            _ if all >= LOG_PAGES_MAX => Advice::CatchUp(None),
            _ if all >= long => Advice::CatchUp(Some(CATCH_UP_MAX)),
            BEHIND_PAGES.. => Advice::Wake,
            _ => Advice::Nothing,
        }
    }

    /// Has the thread go to work. False if it has died: then the writer does it all.
    pub(super) fn wake(&self) -> bool {
        let Some(wake) = &self.wake else {
            return false;
        };
        *self.work.is_on() = true;
        // Full: it has been asked already.
        let is_alive = !matches!(wake.try_send(()), Err(TrySendError::Disconnected(())));
        if !is_alive {
            self.work.end();
        }
        is_alive
    }

    /// Waits until the thread has nothing to do, at most for `limit`.
    pub(super) fn wait(&self, limit: Option<Duration>) {
        let guard = self.work.is_on();
        match limit {
            Some(limit) => drop(self.work.ended.wait_timeout_while(guard, limit, |is_on| *is_on)),
            None => drop(self.work.ended.wait_while(guard, |is_on| *is_on)),
        }
    }
}

#[cfg(test)]
impl Log {
    /// One whose thread has died.
    pub(super) fn of_a_dead_thread() -> Log {
        Log { wake: Some(sync_channel(1).0), work: Arc::default(), thread: None }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        drop(self.wake.take());
        if let Some(thread) = self.thread.take() {
            // A panic in there has been reported by the panic hook already.
            let _ = thread.join();
        }
    }
}

/// What the thread works with.
struct Mover {
    path: PathBuf,
    connection: Option<Connection>,
    work: Arc<Work>,
    doubt: Arc<Doubt>,
    reserve: Arc<Reserve>,
    orders: Orders,
}

impl Drop for Mover {
    fn drop(&mut self) {
        // Also after a panic: the writer does not wait for it in vain.
        self.work.end();
    }
}

impl Mover {
    fn run(&mut self, woken: &Receiver<()>) {
        while woken.recv().is_ok() {
            let seen = self.reserve.given();
            let pass = |mover: &mut Mover| mover.pass().map_err(|fault| mover.reserve.explain(fault));
            let mut outcome = pass(self);
            if outcome.as_ref().is_err_and(Fault::is_full) && self.reserve.release(seen) {
                outcome = pass(self);
            }
            if let Err(fault) = outcome {
                self.failed(fault);
            }
            self.work.end();
        }
    }

    fn pass(&mut self) -> Result<(), Fault> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => schema::reopen(&self.path)?,
        };
        Ok(schema::move_the_log(self.connection.insert(connection))?)
    }

    /// After a failed sync the writer must not trust what it finds either, see [`Doubt`].
    fn failed(&mut self, fault: Fault) {
        if fault.breaks_the_connection() {
            self.doubt.raise();
            self.connection = None;
            self.orders.settle();
        }
        let error = fault.into_store_error(&self.path);
        tracing::warn!(%error, path = %self.path.display(), "the log was not brought into the file");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::ffi;

    #[test]
    fn a_long_log_is_finished_when_little_is_left_and_waited_for_until_then() {
        let advice = |all, behind| Log::advice(all, behind, LONG_PAGES);
        assert_eq!(advice(0, 0), Advice::Nothing);
        assert_eq!(advice(BEHIND_PAGES - 1, BEHIND_PAGES - 1), Advice::Nothing);
        assert_eq!(advice(BEHIND_PAGES, BEHIND_PAGES), Advice::Wake);
        assert_eq!(advice(LONG_PAGES, 0), Advice::Nothing);
        assert_eq!(advice(LONG_PAGES, REMAINDER_PAGES_MAX), Advice::Finish);
        assert_eq!(advice(LONG_PAGES, REMAINDER_PAGES_MAX + 1), Advice::CatchUp(Some(CATCH_UP_MAX)));
        assert_eq!(advice(LOG_PAGES_MAX, LOG_PAGES_MAX), Advice::CatchUp(None));
    }

    #[test]
    fn a_failed_sync_of_the_log_raises_doubt_and_a_lock_does_not() {
        let nobody = Orders::to_nobody();
        let (doubt, reserve) = (Arc::<Doubt>::default(), Arc::new(Reserve::take(Path::new("/dev/null/x"), 1)));
        let path = PathBuf::from("/dev/null/x");
        let mut mover =
            Mover { path, connection: None, work: Arc::default(), doubt: doubt.clone(), reserve, orders: nobody };
        let failure = |code| Fault::from(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None));
        mover.failed(failure(ffi::SQLITE_BUSY));
        mover.failed(failure(ffi::SQLITE_FULL));
        assert_eq!(doubt.raised(), None);
        mover.failed(failure(ffi::SQLITE_IOERR_FSYNC));
        assert_eq!(doubt.raised(), Some(1));
    }
}
