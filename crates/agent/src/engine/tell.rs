//! Whom an engine tells how far it is. Telling never waits.

use crate::limits::{LOG_LINE_BYTES_MAX, LOG_LINES_MAX};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use tokio::sync::watch;
use wire::agent::ProgressBody;
use wire::limits::MESSAGE_BYTES_MAX;

/// How much a line of the log matters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Level {
    Debug,
    Info,
}

/// The ear of one run. Progress is latest-wins: what was not sent on before the next report is
/// skipped, so a slow broker never slows the work.
#[derive(Clone, Debug)]
pub struct Tell {
    job: Arc<str>,
    progress: watch::Sender<Option<ProgressBody>>,
    lines: Arc<AtomicU32>,
    has_warned: Arc<AtomicBool>,
}

impl Tell {
    /// The ear, and what hears the latest progress.
    #[must_use]
    pub fn new(job: &str) -> (Tell, watch::Receiver<Option<ProgressBody>>) {
        let (progress, latest) = watch::channel(None);
        (Tell { job: job.into(), progress, lines: Arc::default(), has_warned: Arc::default() }, latest)
    }

    /// A fraction outside 0 to 1 is cut to it, with one warning in each run; one that is no number is not told.
    pub fn progress(&self, mut progress: ProgressBody) {
        if progress.progress.is_nan() {
            return;
        }
        let said = progress.progress;
        progress.progress = said.clamp(0.0, 1.0);
        if !(0.0..=1.0).contains(&said) && !self.has_warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(job = %self.job, "says progress {said}, but progress is a fraction from 0 to 1; it is cut");
        }
        for text in [&mut progress.message, &mut progress.estimated_completion].into_iter().flatten() {
            // As the broker does, but not with what is larger than a body may be.
            text.truncate(text.floor_char_boundary(MESSAGE_BYTES_MAX));
        }
        self.progress.send_replace(Some(progress));
    }

    /// One line of the job's log, cut to [`LOG_LINE_BYTES_MAX`].
    pub fn log(&self, level: Level, line: &str) {
        let line = cut(line.trim_end(), LOG_LINE_BYTES_MAX);
        let so_far = self.lines.fetch_add(1, Ordering::Relaxed);
        if so_far == LOG_LINES_MAX {
            tracing::info!(job = %self.job, "says more than {LOG_LINES_MAX} lines; the rest is not logged");
        }
        if so_far >= LOG_LINES_MAX {
            // So that the counter never comes round.
            self.lines.store(LOG_LINES_MAX + 1, Ordering::Relaxed);
            return;
        }
        match level {
            Level::Debug => tracing::debug!(job = %self.job, "{line}"),
            Level::Info => tracing::info!(job = %self.job, "{line}"),
        }
    }
}

/// The beginning of a text, up to a character's end.
pub(crate) fn cut(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_the_latest_and_always_a_fraction() {
        let (tell, latest) = Tell::new("j");
        for progress in [0.5, f64::NAN] {
            tell.progress(ProgressBody { progress, ..Default::default() });
        }
        assert_eq!(latest.borrow().as_ref().map(|said| said.progress), Some(0.5));
        tell.progress(ProgressBody { progress: 40.0, ..Default::default() });
        assert_eq!(latest.borrow().as_ref().map(|said| said.progress), Some(1.0));
        let message = Some("ä".repeat(MESSAGE_BYTES_MAX));
        tell.progress(ProgressBody { message, ..Default::default() });
        assert_eq!(latest.borrow().as_ref().unwrap().message.as_ref().unwrap().len(), MESSAGE_BYTES_MAX);
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!((cut("aä", 2), cut("aä", 3), cut("", 3)), ("a", "aä", ""));
    }
}
