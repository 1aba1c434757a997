//! The connections that read, beside the one that writes.

use super::schema;
use crate::StoreError;
use crate::fault::Fault;
use rusqlite::{Connection, Transaction};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Semaphore;

/// Reads at a time; more wait. Each costs a thread and a page cache of 2 MiB.
const READERS_MAX: usize = 4;

/// A few connections, opened when they are needed and kept.
pub(super) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
    doubt: Arc<Doubt>,
}

/// Raised while nobody knows whether all that can be read is on disk: from a failed `fsync` until
/// the log has been brought into the file.
#[derive(Default)]
pub(super) struct Doubt {
    raised: AtomicU64,
    settled: AtomicU64,
}

impl Doubt {
    pub(super) fn raise(&self) {
        self.raised.fetch_add(1, Ordering::SeqCst);
    }

    /// Which doubt there is, if any.
    pub(super) fn raised(&self) -> Option<u64> {
        let raised = self.raised.load(Ordering::SeqCst);
        Some(raised).filter(|raised| *raised != self.settled.load(Ordering::SeqCst))
    }

    /// Settles what was [`raised`](Self::raised) before, and no doubt that came up meanwhile.
    pub(super) fn settle(&self, raised: Option<u64>) {
        if let Some(raised) = raised {
            self.settled.store(raised, Ordering::SeqCst);
        }
    }
}

impl Readers {
    pub(super) fn new(path: &Path, doubt: Arc<Doubt>) -> Readers {
        let permits = Arc::new(Semaphore::new(READERS_MAX));
        Readers { path: path.to_owned(), idle: Mutex::new(Vec::new()), permits, doubt }
    }

    /// Runs `work` on one durable state of the file, on a thread that may block.
    pub(super) async fn read<T: Send + 'static>(
        self: &Arc<Readers>,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let failed = |why: String| StoreError::Unavailable { why };
        let permits = Arc::clone(&self.permits);
        let permit = permits.acquire_owned().await.map_err(|error| failed(error.to_string()))?;
        let readers = Arc::clone(self);
        let task = tokio::task::spawn_blocking(move || {
            // Held until the thread is done, also if nobody waits for it any more.
            let _permit = permit;
            readers.run(work).map_err(|fault| fault.into_store_error(&readers.path))
        });
        task.await.map_err(|error| failed(format!("the read ended early: {error}")))?
    }

    /// A connection on which something failed is not used again.
    fn run<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T, Fault>) -> Result<T, Fault> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle().pop();
        let mut connection = match kept {
            Some(connection) => connection,
            None => schema::open_reader(&self.path)?,
        };
        let transaction = connection.transaction()?;
        let outcome = work(&transaction);
        transaction.finish()?;
        if !matches!(outcome, Err(Fault::Sql(_))) {
            idle().push(connection);
        }
        // Asked last: what was read before a failure was durable, and so is what was read after
        // one that is settled by now.
        if self.doubt.raised().is_some() {
            let why = "the last write failed, and the file has not been opened again since".to_owned();
            return Err(StoreError::Unavailable { why }.into());
        }
        outcome
    }
}
