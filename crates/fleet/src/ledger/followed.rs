//! Clients and what each follows, by client, by job and by workflow.

use crate::{Client, ClientId, ClientKey, JobId, Owner, PrincipalId, Timestamp, WorkflowId, limits};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;
use std::ops::Bound::{self, Unbounded};

#[derive(Clone, Debug, Default)]
pub(super) struct Clients {
    known: BTreeMap<ClientKey, Client>,
    // Derived from it.
    of_job: HashMap<JobId, BTreeSet<ClientKey>>,
    of_workflow: HashMap<(PrincipalId, WorkflowId), BTreeSet<ClientKey>>,
    /// Those that were seen longest ago first; of all, and of each principal.
    seen: BTreeSet<(Timestamp, ClientKey)>,
    seen_of: HashMap<PrincipalId, BTreeSet<(Timestamp, ClientId)>>,
}

impl PartialEq for Clients {
    fn eq(&self, other: &Clients) -> bool {
        self.known == other.known
    }
}

impl Clients {
    pub(super) fn get(&self, key: &ClientKey) -> Option<&Client> {
        self.known.get(key)
    }

    pub(super) fn after(&self, key: Bound<&ClientKey>) -> impl Iterator<Item = &ClientKey> {
        self.known.range::<ClientKey, _>((key, Unbounded)).map(|(key, _)| key)
    }

    /// How many more may be known.
    pub(super) fn room(&self) -> usize {
        limits::CLIENTS_MAX.saturating_sub(self.known.len())
    }

    /// Those that subscribed to this job by its name.
    pub(super) fn of_job(&self, job: &JobId) -> Option<&BTreeSet<ClientKey>> {
        self.of_job.get(job)
    }

    pub(super) fn of_workflow(&self, of: &PrincipalId, workflow: &WorkflowId) -> Option<&BTreeSet<ClientKey>> {
        if self.of_workflow.is_empty() {
            return None;
        }
        self.of_workflow.get(&(of.clone(), workflow.clone()))
    }

    /// When the one that was seen longest ago was seen.
    pub(super) fn seen_first(&self) -> Option<Timestamp> {
        self.seen.first().map(|(at, _)| *at)
    }

    /// Those that stayed away for too long, longest first.
    pub(super) fn unseen(&self, now: Timestamp) -> impl Iterator<Item = &ClientKey> {
        let due = self.seen.iter().take_while(move |(at, _)| *at + limits::CLIENT_KEPT_MS <= now);
        due.map(|(_, key)| key)
    }

    /// Of this principal's clients, or if there are none of all.
    pub(super) fn seen_longest_ago(&self, principal: &PrincipalId) -> Option<ClientKey> {
        match self.seen_of.get(principal).and_then(BTreeSet::first) {
            Some((_, client)) => Some(ClientKey { principal: principal.clone(), client: client.clone() }),
            None => self.seen.first().map(|(_, key)| key.clone()),
        }
    }

    /// It is there: known from now on, and what it followed that ended long ago goes.
    pub(super) fn see(&mut self, key: &ClientKey, at: Timestamp) {
        if let Some(before) = self.known.get(key).map(|client| client.seen_at) {
            self.forget_sight(key, before);
        }
        self.known.entry(key.clone()).or_default().seen_at = at;
        self.seen.insert((at, key.clone()));
        self.seen_of.entry(key.principal.clone()).or_default().insert((at, key.client.clone()));
        while let Some((ended, job)) = self.known.get(key).and_then(|client| client.ended.first().cloned())
            && ended + limits::FOLLOWED_KEPT_MS <= at
        {
            self.unfollow(key, &job);
        }
    }

    pub(super) fn confirm(&mut self, key: &ClientKey, confirmed: u64) {
        if let Some(client) = self.known.get_mut(key) {
            client.confirmed = client.confirmed.max(confirmed);
        }
    }

    pub(super) fn forget(&mut self, key: &ClientKey) {
        let Some(client) = self.known.remove(key) else { return };
        self.forget_sight(key, client.seen_at);
        client.jobs.keys().for_each(|job| leave(&mut self.of_job, job, key));
        for workflow in client.workflows {
            leave(&mut self.of_workflow, &(key.principal.clone(), workflow), key);
        }
    }

    fn forget_sight(&mut self, key: &ClientKey, at: Timestamp) {
        self.seen.remove(&(at, key.clone()));
        leave(&mut self.seen_of, &key.principal, &(at, key.client.clone()));
    }

    /// Of a job that is not its own; `ended` if it has.
    pub(super) fn follow(&mut self, key: &ClientKey, job: &JobId, ended: Option<Timestamp>) {
        let Some(client) = self.known.get_mut(key) else { return };
        if client.jobs.contains_key(job) {
            return;
        }
        client.jobs.insert(job.clone(), None);
        self.of_job.entry(job.clone()).or_default().insert(key.clone());
        if let Some(at) = ended {
            self.end(key, job, at);
        }
    }

    pub(super) fn unfollow(&mut self, key: &ClientKey, job: &JobId) {
        let Some(client) = self.known.get_mut(key) else { return };
        if let Some(ended) = client.jobs.remove(job) {
            ended.map(|at| client.ended.remove(&(at, job.clone())));
            leave(&mut self.of_job, job, key);
        }
    }

    /// A followed job has ended. Of those there is room for so many; the oldest goes.
    fn end(&mut self, key: &ClientKey, job: &JobId, at: Timestamp) {
        let Some(client) = self.known.get_mut(key) else { return };
        let Some(ended @ None) = client.jobs.get_mut(job) else { return };
        *ended = Some(at);
        client.ended.insert((at, job.clone()));
        if client.ended.len() > limits::FOLLOWED_ENDED_MAX
            && let Some((_, oldest)) = client.ended.first().cloned()
        {
            self.unfollow(key, &oldest);
        }
    }

    pub(super) fn follow_workflow(&mut self, key: &ClientKey, workflow: &WorkflowId) {
        let Some(client) = self.known.get_mut(key) else { return };
        client.workflows.insert(workflow.clone());
        let of = (key.principal.clone(), workflow.clone());
        self.of_workflow.entry(of).or_default().insert(key.clone());
    }

    pub(super) fn unfollow_workflow(&mut self, key: &ClientKey, workflow: &WorkflowId) {
        let Some(client) = self.known.get_mut(key) else { return };
        client.workflows.remove(workflow);
        leave(&mut self.of_workflow, &(key.principal.clone(), workflow.clone()), key);
    }

    /// Of its own job.
    pub(super) fn mute(&mut self, key: &ClientKey, job: &JobId) {
        if let Some(client) = self.known.get_mut(key) {
            client.muted.insert(job.clone());
        }
    }

    pub(super) fn unmute(&mut self, key: &ClientKey, job: &JobId) {
        if let Some(client) = self.known.get_mut(key) {
            client.muted.remove(job);
        }
    }

    pub(super) fn job_ended(&mut self, job: &JobId, at: Timestamp) {
        for key in self.of_job.get(job).cloned().unwrap_or_default() {
            self.end(&key, job, at);
        }
    }

    /// Who followed an ended job follows another one that is given its name, as long as that goes;
    /// its own it follows anyway.
    pub(super) fn job_began(&mut self, job: &JobId, owner: &Owner) {
        for key in self.of_job.get(job).cloned().unwrap_or_default() {
            self.unfollow(&key, job);
            if !key.is(owner) {
                self.follow(&key, job, None);
            }
        }
    }
}

fn leave<K: Eq + Hash, T: Ord>(index: &mut HashMap<K, BTreeSet<T>>, of: &K, key: &T) {
    let Some(keys) = index.get_mut(of) else { return };
    keys.remove(key);
    if keys.is_empty() {
        index.remove(of);
    }
}
