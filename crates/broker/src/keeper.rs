//! Keeps the store in order beside the deciding: checkpoints, trimming, retention, files.

use crate::config::{Config, KeepFor};
use crate::contents;
use crate::desk::Desk;
use crate::feed::Still;
use crate::limits;
use fleet::{Chapter, Event, Timestamp};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use store::{FileHash, Keep, Parts, Position, Room, StoreError};
use tokio_util::sync::CancellationToken;
use wire::stored;

pub(crate) struct Keeper {
    desk: Desk,
    /// The term in which this broker writes.
    epoch: Arc<AtomicU64>,
    journal_keep: KeepFor,
    archive_keep: KeepFor,
    checkpoint_every: Duration,
    keep_every: Duration,
    /// The newest checkpoint.
    base: Option<Position>,
    written_at: Instant,
    retained_at: Option<Instant>,
    swept_at: Option<Instant>,
}

impl Keeper {
    pub(crate) fn new(desk: Desk, epoch: Arc<AtomicU64>, config: &Config, base: Option<Position>) -> Keeper {
        Keeper {
            desk,
            epoch,
            journal_keep: config.journal_keep,
            archive_keep: config.archive_keep,
            checkpoint_every: config.checkpoint_every,
            keep_every: config.keep_every,
            base,
            written_at: Instant::now(),
            retained_at: None,
            swept_at: None,
        }
    }

    /// Until it is told to stop; then the last checkpoint, for a quick start.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        let mut is_failing = false;
        while !shutdown.is_cancelled() {
            let looked = self.look().await;
            if let (Err(error), false) = (&looked, is_failing) {
                tracing::warn!(%error, "the store is not kept in order now; tried again every second");
            }
            is_failing = looked.is_err();
            tokio::select! {
                () = tokio::time::sleep(self.keep_every) => {}
                () = shutdown.cancelled() => {}
            }
        }
        match tokio::time::timeout(limits::CHECKPOINT_WAIT, self.checkpoint()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "stopped without a checkpoint; the next start replays more"),
            Err(_) => tracing::warn!("stopped without a checkpoint, it took too long; the next start replays more"),
        }
    }

    async fn look(&mut self) -> Result<(), StoreError> {
        if let Room::Full(_) = self.desk.store.journal.room()
            && self.desk.store.journal.look_for_room().await == Room::Enough
        {
            tracing::info!("there is room again; submissions are taken");
        }
        // What makes room first, and none of them stops another: on a full disk each may be the one
        // that helps.
        let trimmed = self.trim().await;
        let mut retained = Ok(());
        if self.retained_at.is_none_or(|at| at.elapsed() > self.retain_every()) {
            retained = self.retain().await;
            self.retained_at = Some(Instant::now());
        }
        let mut swept = Ok(());
        if self.swept_at.is_none_or(|at| at.elapsed() > limits::SWEEP_EVERY) {
            swept = self.sweep().await;
            self.swept_at = Some(Instant::now());
        }
        let mut written = Ok(());
        if self.is_checkpoint_due() {
            written = self.checkpoint().await;
        }
        trimmed.and(retained).and(swept).and(written)
    }

    fn retain_every(&self) -> Duration {
        self.keep_every * limits::RETAIN_EVERY_LOOKS
    }

    fn is_checkpoint_due(&self) -> bool {
        let view = self.desk.feed.view();
        let events = view.position.seq - self.base.map_or(0, |base| base.seq);
        let changed = view.changed_parts();
        changed > limits::CHECKPOINT_PARTS
            || events > limits::CHECKPOINT_EVENTS
            || (changed > 0 && self.written_at.elapsed() > self.checkpoint_every)
    }

    /// Writes down what changed since the last one, while deciding goes on.
    async fn checkpoint(&mut self) -> Result<(), StoreError> {
        let feed = &self.desk.feed;
        let Still { at, parts, is_whole } = feed.cut(self.base.is_none());
        if self.base == Some(at) {
            feed.mend_cut(Vec::new());
            return Ok(());
        }
        tracing::info!(events = at.seq, parts, "checkpoint begins");
        let drawn = Arc::default();
        let epoch = self.epoch.load(Ordering::SeqCst);
        let base = self.base.filter(|_| !is_whole);
        let written = self.desk.store.journal.checkpoint(epoch, base, at, self.draw(&drawn)).await;
        match written {
            Ok(()) => {
                self.base = Some(at);
                self.written_at = Instant::now();
                tracing::info!(events = at.seq, parts, "checkpoint written");
                Ok(())
            }
            Err(error) => {
                feed.mend_cut(std::mem::take(&mut drawn.lock().unwrap_or_else(PoisonError::into_inner)));
                if matches!(error, StoreError::Rewound { .. }) {
                    // Another one is the newest: the next one is whole.
                    self.base = None;
                }
                Err(error)
            }
        }
    }

    /// The parts of the cut, drawn as the store writes them; `drawn` is told which.
    fn draw(&self, drawn: &Arc<Mutex<Vec<Chapter>>>) -> Parts {
        let (feed, drawn) = (Arc::clone(&self.desk.feed), Arc::clone(drawn));
        let mut encoder = stored::Encoder::default();
        let mut taken: VecDeque<(Chapter, Vec<Event>)> = VecDeque::new();
        Box::new(std::iter::from_fn(move || {
            if taken.is_empty() {
                taken = feed.take_of_cut(limits::CUT_PARTS_MAX).into();
                let parts = taken.iter().map(|(part, _)| part.clone());
                drawn.lock().unwrap_or_else(PoisonError::into_inner).extend(parts);
            }
            let (part, story) = taken.pop_front()?;
            let bytes = (!story.is_empty()).then(|| encoder.encode(&story));
            Some((stored::part_key(&part), bytes))
        }))
    }

    /// Removes records that neither a start nor the archive nor, by age and size, a watcher needs.
    async fn trim(&self) -> Result<(), StoreError> {
        let Some(base) = self.base else { return Ok(()) };
        let archived = self.desk.store.archive.place().await?.position.seq;
        let keep = Keep {
            from: base.seq.min(archived),
            at_min: before(self.desk.now(), self.journal_keep.age),
            bytes_max: self.journal_keep.bytes,
        };
        let extent = self.desk.store.journal.extent().await?;
        let is_too_much = extent.oldest_at < keep.at_min || extent.bytes > keep.bytes_max;
        if extent.oldest > keep.from || !is_too_much {
            return Ok(());
        }
        tracing::info!(events = keep.from, "trim begins");
        let mut removed = 0;
        loop {
            let trimmed = self.desk.store.journal.trim(keep).await?;
            removed += trimmed.records;
            if !trimmed.more {
                break;
            }
        }
        tracing::info!(records = removed, "trimmed");
        Ok(())
    }

    /// Removes ended jobs that are too old, and the payloads and results of the oldest when all
    /// take too much.
    async fn retain(&self) -> Result<(), StoreError> {
        let (archive, now) = (&self.desk.store.archive, self.desk.now());
        let age = self.archive_keep.age.max(limits::ARCHIVE_AGE_MIN);
        loop {
            let numbers = archive.remove(before(now, age), now.0).await?;
            if numbers.is_empty() {
                break;
            }
            self.drop_contents(&numbers).await?;
            archive.removed(&numbers).await?;
            tracing::info!(jobs = numbers.len(), "ended jobs were removed, they are older than --archive-keep says");
        }
        loop {
            let bytes = archive.holdings().await?.content_bytes;
            let Some(over) = bytes.checked_sub(self.archive_keep.bytes).filter(|over| *over > 0) else { break };
            let numbers = archive.heaviest_oldest(over).await?;
            if numbers.is_empty() {
                break;
            }
            self.drop_contents(&numbers).await?;
            archive.dropped(&numbers).await?;
            tracing::info!(jobs = numbers.len(), "payloads and results of the oldest ended jobs were dropped");
        }
        Ok(())
    }

    async fn drop_contents(&self, numbers: &[u64]) -> Result<(), StoreError> {
        for orders in numbers.chunks(limits::REMOVED_RANGES_MAX) {
            let ranges: Vec<_> = orders.iter().map(|order| contents::all_of(*order)).collect();
            self.desk.store.journal.remove_contents(&ranges).await?;
        }
        self.desk.feed.recent().forget(numbers);
        Ok(())
    }

    /// Removes files that no record names (any more). One that is about to be named is not listed; one
    /// that is put meanwhile is young.
    async fn sweep(&self) -> Result<(), StoreError> {
        let (files, journal) = (&self.desk.store.files, &self.desk.store.journal);
        let mut after: Option<FileHash> = None;
        loop {
            let old = files.older_than(limits::FILE_AGE_MIN, after, limits::SWEEP_FILES_MAX).await?;
            let Some(last) = old.last() else { return Ok(()) };
            after = Some(*last);
            for file in old {
                if !journal.names_file(file).await? {
                    files.remove(file, limits::FILE_AGE_MIN).await?;
                }
            }
        }
    }
}

/// The time so long before `now`, in Unix milliseconds.
fn before(now: Timestamp, age: Duration) -> i64 {
    now.0.saturating_sub(i64::try_from(age.as_millis()).unwrap_or(i64::MAX))
}
