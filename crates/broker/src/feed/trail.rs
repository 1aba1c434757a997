//! The events of certain jobs, for those who are told of no others: which ones they are is noted
//! while somebody follows, and the events themselves are in the log.

use super::facets::{self, Kind};
use super::latest::Latest;
use super::view::event_id;
use super::{Contents, Entry, Feed, Records, View};
use crate::limits;
use bytes::Bytes;
use fleet::{ClientKey, Job, JobId, JobSpec, Ledger, PrincipalId, WorkflowId};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use store::{Store, StoreError};
use tokio::sync::Notify;
use wire::{EventId, client};

/// Whose events.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Of {
    /// Every job there is.
    All,
    Job(JobId),
    /// All that this client follows, now and later.
    Client(ClientKey),
    /// All of this principal's jobs of the workflow.
    Workflow(PrincipalId, WorkflowId),
}

#[derive(Default)]
pub(super) struct Trails(HashMap<Of, Noted>);

struct Noted {
    /// One for each who follows.
    bells: Vec<Arc<Notify>>,
    /// Everything after this number is in `seqs`.
    after: u64,
    seqs: VecDeque<u64>,
    /// Jobs whose progress was told, by when it was.
    progress: Latest<JobId>,
}

/// Whom an event is told to, beside those who follow its job alone.
#[derive(Default)]
pub(super) struct Route {
    clients: Vec<ClientKey>,
    workflow: Option<(PrincipalId, WorkflowId)>,
}

/// One connection that is told of certain jobs, and where it is.
pub(crate) struct Follower {
    feed: Arc<Feed>,
    /// Rings when there is something new.
    pub(crate) bell: Arc<Notify>,
    follows: Vec<Of>,
    /// Everything up to here was given, and no more: where its watcher may resume.
    pub(crate) at: EventId,
    /// Jobs whose state after this number was told apart from the others: what came before is in it.
    told: HashMap<JobId, u64>,
    passing: u64,
}

/// What is new.
pub(crate) enum Taken {
    Entries(Vec<Arc<Entry>>),
    /// There is more than is noted: it has to be caught up.
    Behind,
}

/// What a follower that is behind can be given.
pub(crate) enum CaughtUp {
    /// A page of it, perhaps without anything for this follower.
    Page(Vec<Arc<Entry>>),
    UpToDate,
    /// What follows is no longer kept.
    Trimmed,
    Away,
}

impl Trails {
    /// Notes an event for all who follow it.
    pub(super) fn note(&mut self, job: &JobId, seq: u64, route: &Route) {
        self.each(job, route, |noted| {
            if noted.seqs.len() == limits::TRAIL_EVENTS_MAX
                && let Some(oldest) = noted.seqs.pop_front()
            {
                noted.after = oldest;
            }
            noted.seqs.push_back(seq);
        });
    }

    /// The job's progress is told as number `version` of what is passing, or not any more.
    pub(super) fn note_progress(&mut self, job: &JobId, version: Option<u64>, route: &Route) {
        self.each(job, route, |noted| match version {
            Some(version) => noted.progress.put(version, job.clone()),
            None => noted.progress.forget(job),
        });
    }

    fn each(&mut self, job: &JobId, route: &Route, mut with: impl FnMut(&mut Noted)) {
        if self.0.is_empty() {
            return;
        }
        let clients = route.clients.iter().cloned().map(Of::Client);
        let workflow = route.workflow.iter().cloned().map(|(principal, workflow)| Of::Workflow(principal, workflow));
        for of in [Of::All, Of::Job(job.clone())].into_iter().chain(clients).chain(workflow) {
            if let Some(noted) = self.0.get_mut(&of) {
                with(noted);
                noted.bells.iter().for_each(|bell| bell.notify_one());
            }
        }
    }

    /// Something is told to all.
    pub(super) fn ring_all(&self) {
        self.0.values().flat_map(|noted| &noted.bells).for_each(|bell| bell.notify_one());
    }
}

impl Feed {
    /// Whom the events of this job are told to.
    pub(super) fn route(&self, job: &JobId) -> Route {
        let view = self.view();
        let Some(job) = view.ledger.job(job) else { return Route::default() };
        let workflow = job.spec.workflow_id().map(|id| (job.spec.owner.principal.clone(), id.clone()));
        Route { clients: view.ledger.followers(job).collect(), workflow }
    }
}

impl Follower {
    /// Follows nothing, and stands at the head.
    pub(crate) fn new(feed: &Arc<Feed>) -> Follower {
        let at = feed.view().event_id();
        let (follows, told) = (Vec::new(), HashMap::new());
        Follower { feed: Arc::clone(feed), bell: Arc::default(), follows, at, told, passing: 0 }
    }

    /// Is told from now on. What happened before is looked up after this.
    pub(crate) fn follow(&mut self, of: Of) {
        if self.follows.contains(&of) {
            return;
        }
        let mut told = self.feed.told();
        let after = told.log.head().seq;
        let new = || Noted { bells: Vec::new(), after, seqs: VecDeque::new(), progress: Latest::default() };
        told.trails.0.entry(of.clone()).or_insert_with(new).bells.push(Arc::clone(&self.bell));
        self.follows.push(of);
    }

    pub(crate) fn follow_all(&mut self, all: impl IntoIterator<Item = Of>) {
        all.into_iter().for_each(|of| self.follow(of));
    }

    /// The live jobs that are followed, in the order in which they came, when that is, and the
    /// jobs that are followed by name.
    pub(crate) fn live(&self) -> (EventId, Vec<Job>, Vec<JobId>) {
        let view = self.feed.view();
        let (mut orders, mut named) = (Vec::new(), Vec::new());
        for of in &self.follows {
            match of {
                Of::All => orders.extend(view.ledger.submitted_before(u64::MAX).map(|job| job.order)),
                Of::Job(job) => named.push(job.clone()),
                Of::Client(key) => {
                    orders.extend(view.matching(&[vec![facets::client(key)]], u64::MAX));
                    let Some(client) = view.ledger.client(key) else { continue };
                    named.extend(client.jobs.keys().cloned());
                    orders.extend(client.workflows.iter().flat_map(|workflow| of_workflow(&view, workflow)));
                }
                Of::Workflow(_, workflow) => orders.extend(of_workflow(&view, workflow)),
            }
        }
        orders.extend(named.iter().filter_map(|id| view.ledger.job(id)).map(|job| job.order));
        orders.sort_unstable();
        orders.dedup();
        let is_followed = |job: &Job| self.follows.iter().any(|of| is_of(&view.ledger, &job.spec, of));
        let live = orders.into_iter().filter_map(|order| view.ledger.submitted_before(order + 1).next());
        let live = live.filter(|job| job.finished_at().is_none() && is_followed(job)).cloned();
        (view.event_id(), live.collect(), named)
    }

    /// The job's state after number `seq` was told.
    pub(crate) fn was_told(&mut self, job: JobId, seq: u64) {
        if seq > self.at.seq {
            self.told.insert(job, seq);
        }
    }

    /// What is new, and stands after it.
    pub(crate) fn take(&mut self) -> Taken {
        let told = self.feed.told();
        let mut seqs = Vec::new();
        for of in &self.follows {
            let Some(noted) = told.trails.0.get(of) else { return Taken::Behind };
            if self.at.seq < noted.after {
                return Taken::Behind;
            }
            let from = noted.seqs.partition_point(|seq| *seq <= self.at.seq);
            seqs.extend(noted.seqs.range(from..));
        }
        if self.follows.len() > 1 {
            seqs.sort_unstable();
            seqs.dedup();
        }
        let entries: Option<Vec<_>> = seqs.iter().map(|seq| told.log.entry(*seq).cloned()).collect();
        let Some(mut entries) = entries else { return Taken::Behind };
        let head = event_id(told.log.head());
        drop(told);
        entries.retain(|entry| !self.knows(entry));
        self.stand(head);
        Taken::Entries(entries)
    }

    /// The next page of what was missed.
    pub(crate) async fn catch_up(&mut self, store: &Store) -> CaughtUp {
        let records = match self.feed.records_after(store, self.at.seq, Contents::Unread).await {
            Records::Known(records) => records,
            Records::Trimmed => return CaughtUp::Trimmed,
            Records::Away => return CaughtUp::Away,
        };
        let Some(last) = records.last() else { return CaughtUp::UpToDate };
        let mut page = Vec::new();
        for entry in records.iter().flat_map(|record| &record.entries).filter(|entry| entry.id.seq > self.at.seq) {
            match self.wants(store, entry).await {
                Ok(false) => {}
                Ok(true) => match entry.whole(&self.feed, store).await {
                    Ok(entry) => page.push(entry),
                    Err(_) => return CaughtUp::Away,
                },
                Err(_) => return CaughtUp::Away,
            }
        }
        self.stand(event_id(last.position));
        CaughtUp::Page(page)
    }

    /// Everything is given up to there.
    pub(crate) fn stand(&mut self, at: EventId) {
        if at.seq >= self.at.seq {
            self.at = at;
            self.told.retain(|_, seq| *seq > at.seq);
        }
    }

    /// Goes back to where its watcher was.
    pub(crate) fn move_to(&mut self, at: EventId) {
        self.at = at;
    }

    fn knows(&self, entry: &Entry) -> bool {
        !self.told.is_empty()
            && client::subject(&entry.event.fact)
                .and_then(|job| self.told.get(job))
                .is_some_and(|seq| entry.id.seq <= *seq)
    }

    async fn wants(&self, store: &Store, entry: &Entry) -> Result<bool, StoreError> {
        let Some(job) = client::subject(&entry.event.fact) else { return Ok(false) };
        if self.knows(entry) {
            return Ok(false);
        }
        let is_named = |of: &Of| matches!(of, Of::All) || matches!(of, Of::Job(followed) if followed == job);
        if self.follows.iter().any(is_named) {
            return Ok(true);
        }
        if self.follows.iter().all(|of| matches!(of, Of::Job(_))) {
            return Ok(false);
        }
        let spec = match entry.spec(&self.feed, store).await {
            Err(error) if error.is_damage() => None,
            outcome => outcome?,
        };
        let view = self.feed.view();
        Ok(spec.is_some_and(|spec| self.follows.iter().any(|of| is_of(&view.ledger, spec, of))))
    }

    /// The latest progress of what is followed, and whether the store is there, as far as they were
    /// not told yet.
    pub(crate) fn passing(&mut self) -> Vec<Bytes> {
        let told = self.feed.told();
        let since = self.passing;
        let noted = self.follows.iter().filter_map(|of| told.trails.0.get(of));
        let mut jobs: Vec<_> = noted.flat_map(|noted| noted.progress.after(since)).collect();
        jobs.sort_unstable();
        jobs.dedup();
        let progress = jobs.into_iter().filter_map(|(_, job)| told.passing.of_job(job));
        let values = told.passing.upstream().filter(|(version, _)| *version > since).map(|(_, told)| told);
        let messages = progress.chain(values).map(|told| told.client().clone()).collect();
        self.passing = told.passing.version();
        messages
    }
}

fn is_of(ledger: &Ledger, spec: &JobSpec, of: &Of) -> bool {
    match of {
        Of::All => true,
        Of::Job(job) => spec.id == *job,
        Of::Client(key) => key.is_told_of(spec, ledger.client(key)),
        Of::Workflow(principal, workflow) => spec.owner.principal == *principal && spec.workflow_id() == Some(workflow),
    }
}

fn of_workflow(view: &View, workflow: &WorkflowId) -> Vec<u64> {
    view.matching(&[vec![facets::facet(Kind::Workflow, workflow.as_str())]], u64::MAX).collect()
}

impl Drop for Follower {
    fn drop(&mut self) {
        let mut told = self.feed.told();
        for of in &self.follows {
            let Some(noted) = told.trails.0.get_mut(of) else { continue };
            noted.bells.retain(|bell| !Arc::ptr_eq(bell, &self.bell));
            if noted.bells.is_empty() {
                told.trails.0.remove(of);
            }
        }
    }
}
