//! What is passing: the latest value of each subject, and in which order they were told.

use fleet::{JobId, Progress, Pulse, Timestamp};
use std::collections::{BTreeMap, HashMap};
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

#[derive(Default)]
pub(super) struct Passing {
    values: HashMap<Subject, (u64, Value)>,
    by_version: BTreeMap<u64, Subject>,
    version: u64,
}

impl Passing {
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    pub(super) fn put(&mut self, subject: Subject, value: Value) {
        self.version += 1;
        if let Some((old, _)) = self.values.insert(subject.clone(), (self.version, value)) {
            self.by_version.remove(&old);
        }
        self.by_version.insert(self.version, subject);
    }

    /// Puts counts only if they differ from what was told. Says whether they did.
    pub(super) fn put_if_new(&mut self, subject: Subject, value: Value) -> bool {
        let same = match (self.values.get(&subject), &value) {
            (Some((_, Value::Stats(old, _))), Value::Stats(new, _)) => old == new,
            _ => false,
        };
        if !same {
            self.put(subject, value);
        }
        !same
    }

    pub(super) fn forget(&mut self, subject: &Subject) {
        if let Some((version, _)) = self.values.remove(subject) {
            self.by_version.remove(&version);
        }
    }

    /// The values told after `version`, oldest first.
    pub(super) fn after(&self, version: u64) -> impl Iterator<Item = &Value> {
        let newer = self.by_version.range(version + 1..);
        newer.filter_map(|(_, subject)| self.values.get(subject)).map(|(_, value)| value)
    }

    pub(super) fn progress(&self, job: &JobId) -> Option<Progress> {
        match self.values.get(&Subject::Progress(job.clone()))? {
            (_, Value::Pulse(Pulse::Progress { progress, .. })) => Some(progress.clone()),
            _ => None,
        }
    }

    /// What is passing about one job, told after `version`: its progress, and the store.
    pub(super) fn about(&self, job: &JobId, version: u64) -> Vec<Value> {
        let subjects = [Subject::Progress(job.clone()), Subject::Upstream];
        let mut newer: Vec<_> =
            subjects.iter().filter_map(|subject| self.values.get(subject)).filter(|(at, _)| *at > version).collect();
        newer.sort_by_key(|(at, _)| *at);
        newer.into_iter().map(|(_, value)| value.clone()).collect()
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

    pub(super) fn monitor_message(&self) -> String {
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

    /// `None`: clients are not told this.
    pub(super) fn client_message(&self) -> Option<String> {
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
