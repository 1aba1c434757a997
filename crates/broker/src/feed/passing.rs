//! What is passing: the latest value of each subject, and in which order they were told.

use super::latest::Latest;
use bytes::Bytes;
use fleet::{JobId, Progress, Pulse, Timestamp};
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use wire::Topics;
use wire::client::ClientBody;
use wire::monitor::{MonitorBody, MonitorMessage, Upstream};
use wire::snapshot::StatsView;
use wire::{client, monitor};

/// What a value is about; a newer value takes the place of an older one.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Subject {
    Progress(JobId),
    Stats,
    Upstream,
}

#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Value {
    Pulse(Pulse),
    Stats(StatsView, Timestamp),
    Upstream(Upstream, Timestamp),
}

/// A value as it is told, encoded at most once for each dialect.
pub(crate) struct Told {
    pub(crate) value: Value,
    monitor: OnceLock<Bytes>,
    client: OnceLock<Bytes>,
}

#[derive(Default)]
pub(super) struct Passing {
    values: HashMap<Subject, Arc<Told>>,
    latest: Latest<Subject>,
    version: u64,
}

impl Passing {
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    /// Says as which number it is told.
    pub(super) fn put(&mut self, subject: Subject, value: Value) -> u64 {
        self.version += 1;
        self.latest.put(self.version, subject.clone());
        let told = Told { value, monitor: OnceLock::new(), client: OnceLock::new() };
        self.values.insert(subject, Arc::new(told));
        self.version
    }

    /// Puts counts only if they differ from what was told. Says whether they did.
    pub(super) fn put_if_new(&mut self, subject: Subject, value: Value) -> bool {
        let same = match (self.values.get(&subject).map(|told| &told.value), &value) {
            (Some(Value::Stats(old, _)), Value::Stats(new, _)) => old == new,
            _ => false,
        };
        if !same {
            self.put(subject, value);
        }
        !same
    }

    pub(super) fn forget(&mut self, subject: &Subject) {
        self.values.remove(subject);
        self.latest.forget(subject);
    }

    /// The values told after `version`, oldest first.
    pub(super) fn after(&self, version: u64) -> impl Iterator<Item = &Arc<Told>> {
        self.latest.after(version).filter_map(|(_, subject)| self.values.get(subject))
    }

    pub(super) fn progress(&self, job: &JobId) -> Option<Progress> {
        match &self.of_job(job)?.value {
            Value::Pulse(Pulse::Progress { progress, .. }) => Some(progress.clone()),
            _ => None,
        }
    }

    pub(super) fn of_job(&self, job: &JobId) -> Option<&Arc<Told>> {
        self.values.get(&Subject::Progress(job.clone()))
    }

    /// Whether the store is there, if it was ever away, and as which number that was told.
    pub(super) fn upstream(&self) -> Option<(u64, &Arc<Told>)> {
        self.latest.version_of(&Subject::Upstream).zip(self.values.get(&Subject::Upstream))
    }
}

impl Told {
    pub(crate) fn monitor(&self) -> &Bytes {
        self.monitor.get_or_init(|| self.value.monitor_message().into())
    }

    /// Empty: clients are not told this.
    pub(crate) fn client(&self) -> &Bytes {
        self.client.get_or_init(|| self.value.client_message().map(Bytes::from).unwrap_or_default())
    }
}

impl Value {
    pub(super) fn topics(&self) -> Topics {
        match self {
            Value::Pulse(_) => Topics::PROGRESS,
            Value::Stats(..) => Topics::STATS,
            // Whoever watches anything must know that it may be stale.
            Value::Upstream(..) => Topics::ALL,
        }
    }

    fn monitor_message(&self) -> String {
        match self {
            Value::Pulse(pulse) => {
                let Pulse::Progress { at, .. } = pulse;
                MonitorMessage::passing(MonitorBody::UpdateJobProgress(pulse.into()), *at)
            }
            Value::Stats(stats, at) => MonitorMessage::passing(MonitorBody::SystemStats { stats: *stats }, *at),
            Value::Upstream(upstream, since) => {
                let body = monitor::MonitorBody::Upstream { upstream: *upstream, since: since.0 };
                MonitorMessage::passing(body, *since)
            }
        }
    }

    fn client_message(&self) -> Option<String> {
        match self {
            Value::Pulse(pulse) => Some(client::progress(pulse)),
            Value::Stats(..) => None,
            Value::Upstream(upstream, since) => {
                let body = ClientBody::Upstream { upstream: *upstream, since: since.0 };
                Some(client::passing(body, *since))
            }
        }
    }
}
