//! Clients subscribe, are seen, and are forgotten when they stay away. Nobody is told of that.

use super::Ledger;
use crate::{Answer, Client, ClientKey, Event, Fact, Job, JobId, Owner, Refusal, Timestamp, Told, WorkflowId, limits};
use std::collections::BTreeMap;

impl Ledger {
    /// What is known of a client; nothing of one that never subscribed and was never seen, or
    /// stayed away for too long.
    #[must_use]
    pub fn client(&self, key: &ClientKey) -> Option<&Client> {
        self.clients.get(key)
    }

    /// Who is told of the job, each once: the client that submitted it unless it muted it, those
    /// that subscribed to it, and those of its owner that subscribed to its workflow.
    pub fn followers(&self, job: &Job) -> impl Iterator<Item = ClientKey> {
        let (id, owner) = (&job.spec.id, &job.spec.owner);
        let own = ClientKey::of(owner);
        let mutes = |own: &ClientKey| self.clients.get(own).is_some_and(|client| client.muted.contains(id));
        let by_id = self.clients.of_job(id);
        let workflow = job.spec.workflow_id();
        let by_workflow = workflow.and_then(|workflow| self.clients.of_workflow(&owner.principal, workflow));
        let is_new = move |key: &&ClientKey| !by_id.is_some_and(|keys| keys.contains(*key));
        let others = by_id.into_iter().flatten().chain(by_workflow.into_iter().flatten().filter(is_new));
        let others: Vec<ClientKey> = others.filter(|key| own.as_ref() != Some(*key)).cloned().collect();
        own.filter(|own| !mutes(own)).into_iter().chain(others)
    }

    pub(super) fn follow(
        &mut self,
        key: ClientKey,
        mut jobs: Vec<JobId>,
        workflow: Option<WorkflowId>,
        now: Timestamp,
        told: &mut Told,
    ) -> Result<Answer, Refusal> {
        jobs.sort();
        jobs.dedup();
        jobs.retain(|job| !self.follows(&key, job, now));
        let client = self.clients.get(&key);
        let is_new = |workflow: &WorkflowId| !client.is_some_and(|client| client.workflows.contains(workflow));
        let workflow = workflow.filter(is_new);
        let live = jobs.iter().filter(|job| self.is_live_of_others(&key, job)).count();
        if live > 0 && self.live_of(&key) + live > limits::FOLLOWED_MAX {
            return Err(Refusal::TooManyFollowed { client: key.client });
        }
        let is_full = client.is_some_and(|client| client.workflows.len() >= limits::FOLLOWED_WORKFLOWS_MAX);
        if workflow.is_some() && is_full {
            return Err(Refusal::TooManyWorkflowsFollowed { client: key.client });
        }
        if !jobs.is_empty() || workflow.is_some() {
            self.make_room_for(&key, now, told);
            self.emit(Fact::ClientFollows { client: key, jobs, workflow }, now, told);
        }
        Ok(Answer::Done)
    }

    pub(super) fn unfollow(
        &mut self,
        key: ClientKey,
        mut jobs: Vec<JobId>,
        workflow: Option<WorkflowId>,
        now: Timestamp,
        told: &mut Told,
    ) -> Answer {
        jobs.sort();
        jobs.dedup();
        jobs.retain(|job| self.follows(&key, job, now));
        let client = self.clients.get(&key);
        let workflow = workflow.filter(|workflow| client.is_some_and(|client| client.workflows.contains(workflow)));
        if !jobs.is_empty() || workflow.is_some() {
            self.make_room_for(&key, now, told);
            self.emit(Fact::ClientUnfollows { client: key, jobs, workflow }, now, told);
        }
        Answer::Done
    }

    /// Told of those only of which it is news: that they are there, that they have heard more, or
    /// that they still are there after a while.
    pub(super) fn clients_seen(&mut self, clients: Vec<(ClientKey, u64)>, now: Timestamp, told: &mut Told) -> Answer {
        let mut seen = BTreeMap::new();
        for (key, confirmed) in clients {
            let known: &mut u64 = seen.entry(key).or_default();
            *known = confirmed.max(*known);
        }
        let is_news = |key: &ClientKey, confirmed: u64| {
            let is_old = |client: &Client| now.since(client.seen_at) >= limits::CLIENT_SEEN_EVERY_MS;
            self.clients.get(key).is_none_or(|client| confirmed > client.confirmed || is_old(client))
        };
        seen.retain(|key, confirmed| is_news(key, *confirmed));
        let (mut clients, mut beyond) = (Vec::new(), Vec::new());
        let mut room = self.clients.room();
        for (key, confirmed) in seen {
            let is_new = self.clients.get(&key).is_none();
            if is_new && room == 0 {
                beyond.push((key, confirmed));
                continue;
            }
            room -= usize::from(is_new);
            clients.push((key, confirmed));
        }
        if !clients.is_empty() {
            self.emit(Fact::ClientsSeen { clients }, now, told);
        }
        for one in beyond {
            self.make_room_for(&one.0, now, told);
            self.emit(Fact::ClientsSeen { clients: vec![one] }, now, told);
        }
        Answer::Done
    }

    /// When the client that was seen longest ago is forgotten.
    pub(super) fn next_unseen(&self) -> Option<Timestamp> {
        let seen_at = self.clients.seen_first()?;
        Some((seen_at + limits::CLIENT_KEPT_MS).max(self.presence.clients_until))
    }

    pub(super) fn forget_unseen(&mut self, now: Timestamp, told: &mut Told) {
        if self.next_unseen().is_none_or(|at| at > now) {
            return;
        }
        let clients = self.clients.unseen(now).take(limits::FORGOTTEN_PER_TICK_MAX).cloned().collect();
        self.emit(Fact::ClientsForgotten { clients }, now, told);
    }

    /// Another client takes the place of the one of its principal that stayed away longest, so that
    /// nobody is driven out by another principal's many clients; its principal's first one takes
    /// the place of whoever stayed away longest.
    fn make_room_for(&mut self, key: &ClientKey, now: Timestamp, told: &mut Told) {
        if self.clients.room() > 0 || self.clients.get(key).is_some() {
            return;
        }
        let clients = self.clients.seen_longest_ago(&key.principal).into_iter().collect();
        self.emit(Fact::ClientsForgotten { clients }, now, told);
    }

    /// Jobs that it submitted or subscribed to one by one, and that have not ended.
    pub(super) fn live_of(&self, key: &ClientKey) -> usize {
        let owner = Owner { principal: key.principal.clone(), client: Some(key.client.clone()) };
        self.owners.live(&owner) + self.clients.get(key).map_or(0, Client::live)
    }

    /// Whether it is told of the job by the job's name, or because it is its own.
    fn follows(&self, key: &ClientKey, job: &JobId, now: Timestamp) -> bool {
        let client = self.clients.get(key);
        match self.rows.of_id(job).is_some_and(|job| key.is(&job.spec.owner)) {
            true => !client.is_some_and(|client| client.muted.contains(job)),
            false => {
                let ended = client.and_then(|client| client.jobs.get(job));
                ended.is_some_and(|ended| ended.is_none_or(|at| at + limits::FOLLOWED_KEPT_MS > now))
            }
        }
    }

    fn is_live_of_others(&self, key: &ClientKey, job: &JobId) -> bool {
        self.rows.of_id(job).is_some_and(|job| !job.has_ended() && !key.is(&job.spec.owner))
    }

    pub(super) fn apply_to_clients(&mut self, fact: &Fact, at: Timestamp) {
        match fact {
            Fact::ClientFollows { client, jobs, workflow } => {
                self.clients.see(client, at);
                for job in jobs {
                    match self.rows.of_id(job) {
                        Some(known) if client.is(&known.spec.owner) => self.clients.unmute(client, job),
                        Some(known) if !known.has_ended() => self.clients.follow(client, job, None),
                        // What is not known has ended, or it would be.
                        _ => self.clients.follow(client, job, Some(at)),
                    }
                }
                workflow.iter().for_each(|workflow| self.clients.follow_workflow(client, workflow));
            }
            Fact::ClientUnfollows { client, jobs, workflow } => {
                self.clients.see(client, at);
                for job in jobs {
                    match self.rows.of_id(job) {
                        Some(known) if client.is(&known.spec.owner) => self.clients.mute(client, job),
                        _ => self.clients.unfollow(client, job),
                    }
                }
                workflow.iter().for_each(|workflow| self.clients.unfollow_workflow(client, workflow));
            }
            Fact::ClientsSeen { clients } => {
                for (client, confirmed) in clients {
                    self.clients.see(client, at);
                    self.clients.confirm(client, *confirmed);
                }
            }
            Fact::ClientsForgotten { clients } => clients.iter().for_each(|client| self.clients.forget(client)),
            // Not of clients.
            _ => {}
        }
    }
}

/// The fewest events that lead to what is known of a client, once its jobs are known: being seen at
/// the times at which jobs ended makes older ones go, so the newest come first.
pub(super) fn story(key: &ClientKey, client: &Client) -> Vec<Event> {
    let seen_at = client.seen_at;
    let follows =
        |at, jobs, workflow| Event { at, fact: Fact::ClientFollows { client: key.clone(), jobs, workflow }, by: None };
    let live = client.jobs.iter().filter(|(_, ended)| ended.is_none()).map(|(job, _)| job.clone());
    let live: Vec<JobId> = live.collect();
    let ended: Vec<&(Timestamp, JobId)> = client.ended.iter().rev().collect();
    let mut story = Vec::new();
    if !live.is_empty() {
        story.push(follows(seen_at, live, None));
    }
    for at_once in ended.chunk_by(|one, other| one.0 == other.0) {
        story.push(follows(at_once[0].0, at_once.iter().map(|(_, job)| job.clone()).collect(), None));
    }
    story.extend(client.workflows.iter().map(|workflow| follows(seen_at, Vec::new(), Some(workflow.clone()))));
    if !client.muted.is_empty() {
        let jobs = client.muted.iter().cloned().collect();
        let fact = Fact::ClientUnfollows { client: key.clone(), jobs, workflow: None };
        story.push(Event { at: seen_at, fact, by: None });
    }
    story.push(Event {
        at: seen_at,
        fact: Fact::ClientsSeen { clients: vec![(key.clone(), client.confirmed)] },
        by: None,
    });
    story
}
