//! Where a run writes what happened.

use crate::record::Record;
use anyhow::{Context, bail};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::OnceLock;

/// A file that lines are appended to. A line that was put is with the kernel: a storm that is
/// killed itself leaves whole lines.
pub(crate) struct Log {
    name: String,
    file: File,
    failure: OnceLock<std::io::Error>,
}

impl Log {
    pub(crate) fn create(dir: &Path, name: &str) -> anyhow::Result<Log> {
        let file = OpenOptions::new().append(true).create_new(true).open(dir.join(name));
        let file = file.with_context(|| format!("{name} cannot be written"))?;
        Ok(Log { name: name.to_owned(), file, failure: OnceLock::new() })
    }

    /// One write for each line, so threads may share a log. A failure is told by
    /// [`Log::is_whole`]: a run whose logs have holes proves nothing, so it need not stop early.
    pub(crate) fn put<'a>(&self, record: &impl Record<'a>) {
        if let Err(error) = (&self.file).write_all(format!("{}\n", record.line()).as_bytes()) {
            // Only the first one matters.
            let _ = self.failure.set(error);
        }
    }

    /// # Errors
    /// A line could not be written.
    pub(crate) fn is_whole(&self) -> anyhow::Result<()> {
        match self.failure.get() {
            Some(error) => bail!("{} has a hole: {error}", self.name),
            None => Ok(()),
        }
    }
}
