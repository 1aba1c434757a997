//! Monitors that watch a load: each must be told the end of every job, once.

use super::load::{Connection, find, text_after};
use anyhow::{Context, bail, ensure};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// What was told after the last job ended arrives within this.
const LAST_WAIT: Duration = Duration::from_secs(20);

type Ends = Arc<Mutex<HashMap<String, u32>>>;

/// Several monitors; they leave when it is dropped.
pub(super) struct Watcher {
    seen: Vec<Ends>,
    streams: Vec<JoinHandle<()>>,
    changed: Arc<Notify>,
}

impl Watcher {
    /// `count` monitors that are told everything; they are when this returns.
    pub(super) async fn start(address: SocketAddr, count: usize) -> anyhow::Result<Watcher> {
        let changed = Arc::new(Notify::new());
        let (mut seen, mut streams) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let (ends, open) = (Ends::default(), Arc::new(Notify::new()));
            let (stream, told) = (Connection::open(address).await?, Arc::clone(&ends));
            let (opened, ended) = (Arc::clone(&open), Arc::clone(&changed));
            streams.push(tokio::spawn(async move {
                let follow = stream.follow("/api/events/monitor?snapshot=0", |line| {
                    if find(line, b"\"type\":\"connected\"").is_some() {
                        opened.notify_one();
                    } else if let Some(job) = end_of(line) {
                        *told.lock().unwrap_or_else(PoisonError::into_inner).entry(job.to_owned()).or_default() += 1;
                        ended.notify_one();
                    }
                    true
                });
                // A stream that ends early lacks ends, which the check says.
                let _ = follow.await;
            }));
            let opened = tokio::time::timeout(LAST_WAIT, open.notified()).await;
            opened.context("a monitor was not connected")?;
            seen.push(ends);
        }
        Ok(Watcher { seen, streams, changed })
    }

    /// The delivery check: every monitor was told that each of these jobs ended, once.
    pub(super) async fn check(&self, jobs: &[&str]) -> anyhow::Result<()> {
        let complete = async {
            while self.seen.iter().any(|ends| ends.lock().unwrap_or_else(PoisonError::into_inner).len() < jobs.len()) {
                self.changed.notified().await;
            }
        };
        // What is missing after that is named below.
        let _ = tokio::time::timeout(LAST_WAIT, complete).await;
        for ends in &self.seen {
            let ends = ends.lock().unwrap_or_else(PoisonError::into_inner);
            for job in jobs {
                let times = ends.get(*job).copied().unwrap_or_default();
                ensure!(times == 1, "a monitor was told {times} times that {job} ended");
            }
            if ends.len() > jobs.len() {
                bail!("a monitor was told of {} ends of {} jobs", ends.len(), jobs.len());
            }
        }
        Ok(())
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.streams.iter().for_each(JoinHandle::abort);
    }
}

/// The job whose completion a frame tells.
fn end_of(line: &[u8]) -> Option<&str> {
    line.strip_prefix(b"data: ").filter(|data| data.starts_with(b"{\"type\":\"complete_job\""))?;
    text_after(line, "\"job_id\":\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_completions_are_ends() {
        assert_eq!(end_of(br#"data: {"type":"complete_job","timestamp":1,"job_id":"j"}"#), Some("j"));
        assert_eq!(end_of(br#"data: {"type":"job_assigned","job_id":"j"}"#), None);
        assert_eq!(end_of(b"id: 1-2-3"), None);
    }
}
