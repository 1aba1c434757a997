//! Clients as the oracle knows them: lists that are looked through.

use crate::acts::CLIENTS;
use crate::oracle::{Job, Oracle};
use crate::pools::client_key;
use fleet::{Answer, ClientKey, Command, Fact, JobId, JobSpec, Ledger, Refusal, Timestamp, Told, WorkflowId, limits};
use std::collections::{BTreeMap, BTreeSet};

type Verdict = Result<(), String>;

const DAY_MS: u64 = 24 * 3_600_000;

#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) key: ClientKey,
    /// Others' jobs that it follows, and when they ended.
    follows: Vec<(JobId, Option<Timestamp>)>,
    workflows: Vec<WorkflowId>,
    pub(crate) muted: Vec<JobId>,
    confirmed: u64,
    seen_at: Timestamp,
}

fn is_own(key: &ClientKey, spec: &JobSpec) -> bool {
    spec.owner.principal == key.principal && spec.owner.client.as_ref() == Some(&key.client)
}

impl Oracle {
    fn client(&self, key: &ClientKey) -> Option<&Client> {
        self.clients.iter().find(|client| client.key == *key)
    }

    fn owns(&self, key: &ClientKey, job: &JobId) -> bool {
        self.job(job).is_some_and(|job| is_own(key, &job.spec))
    }

    /// Whether unfollowing it would change anything.
    fn follows(&self, key: &ClientKey, job: &JobId, now: Timestamp) -> bool {
        let client = self.client(key);
        if self.owns(key, job) {
            return !client.is_some_and(|client| client.muted.contains(job));
        }
        let is_it = |(id, ended): &(JobId, Option<Timestamp>)| id == job && ended.is_none_or(|at| at + DAY_MS > now);
        client.is_some_and(|client| client.follows.iter().any(is_it))
    }

    fn follows_workflow(&self, key: &ClientKey, workflow: &WorkflowId) -> bool {
        self.client(key).is_some_and(|client| client.workflows.contains(workflow))
    }

    /// Of what is asked for: what is new (`more`), or what there is (`!more`).
    fn news(
        &self,
        key: &ClientKey,
        (jobs, workflow): (&[JobId], Option<&WorkflowId>),
        more: bool,
        now: Timestamp,
    ) -> Option<(Vec<JobId>, Option<WorkflowId>)> {
        let jobs: BTreeSet<&JobId> = jobs.iter().filter(|job| self.follows(key, job, now) != more).collect();
        let workflow = workflow.filter(|workflow| self.follows_workflow(key, workflow) != more).cloned();
        let jobs: Vec<JobId> = jobs.into_iter().cloned().collect();
        (!jobs.is_empty() || workflow.is_some()).then_some((jobs, workflow))
    }

    /// What the command is told as.
    fn expected(&self, command: &Command, now: Timestamp) -> Option<Fact> {
        match command {
            Command::Follow { client, jobs, workflow } => {
                let (jobs, workflow) = self.news(client, (jobs, workflow.as_ref()), true, now)?;
                Some(Fact::ClientFollows { client: client.clone(), jobs, workflow })
            }
            Command::Unfollow { client, jobs, workflow } => {
                let (jobs, workflow) = self.news(client, (jobs, workflow.as_ref()), false, now)?;
                Some(Fact::ClientUnfollows { client: client.clone(), jobs, workflow })
            }
            Command::ClientsSeen { clients } => {
                let mut seen = BTreeMap::new();
                for (key, confirmed) in clients {
                    seen.insert(key.clone(), (*confirmed).max(seen.get(key).copied().unwrap_or(0)));
                }
                let is_news = |key: &ClientKey, confirmed: u64| {
                    let known = self.client(key);
                    known.is_none_or(|known| confirmed > known.confirmed || known.seen_at + 60_000 <= now)
                };
                let clients: Vec<_> = seen.into_iter().filter(|(key, confirmed)| is_news(key, *confirmed)).collect();
                (!clients.is_empty()).then_some(Fact::ClientsSeen { clients })
            }
            _ => None,
        }
    }

    fn seen(&mut self, key: &ClientKey, now: Timestamp) -> &mut Client {
        if self.client(key).is_none() {
            let (follows, workflows, muted) = (Vec::new(), Vec::new(), Vec::new());
            let key = key.clone();
            self.clients.push(Client { key, follows, workflows, muted, confirmed: 0, seen_at: now });
        }
        let client = self.clients.iter_mut().find(|client| client.key == *key).unwrap();
        client.seen_at = now;
        client.follows.retain(|(_, ended)| ended.is_none_or(|at| at + DAY_MS > now));
        client
    }

    pub(crate) fn fold_clients(&mut self, fact: &Fact, command: &Command, now: Timestamp) -> Verdict {
        match fact {
            Fact::ClientFollows { client: key, jobs, workflow } => {
                for id in jobs {
                    let own = self.owns(key, id);
                    let ended = if self.job(id).is_some_and(|job| job.ended_at().is_none()) { None } else { Some(now) };
                    let client = self.seen(key, now);
                    match own {
                        true => client.muted.retain(|muted| muted != id),
                        false => client.follows.push((id.clone(), ended)),
                    }
                }
                self.seen(key, now).workflows.extend(workflow.clone());
            }
            Fact::ClientUnfollows { client: key, jobs, workflow } => {
                for id in jobs {
                    let own = self.owns(key, id);
                    let client = self.seen(key, now);
                    match own {
                        true => client.muted.push(id.clone()),
                        false => client.follows.retain(|(followed, _)| followed != id),
                    }
                }
                self.seen(key, now).workflows.retain(|known| Some(known) != workflow.as_ref());
            }
            Fact::ClientsSeen { clients } => {
                for (key, confirmed) in clients {
                    let client = self.seen(key, now);
                    client.confirmed = client.confirmed.max(*confirmed);
                }
            }
            Fact::ClientsForgotten { clients } => {
                law!(matches!(command, Command::Tick), "only time lets clients be forgotten", "{command:?}");
                let is_due = |client: &&Client| client.seen_at + DAY_MS <= now && self.clients_until <= now;
                let mut due: Vec<&Client> = self.clients.iter().filter(is_due).collect();
                due.sort_by_key(|client| (client.seen_at, client.key.clone()));
                let due: Vec<&ClientKey> = due.into_iter().map(|client| &client.key).collect();
                let told: Vec<&ClientKey> = clients.iter().collect();
                law!(told == due && !due.is_empty(), "who stays away for a day is forgotten", "{told:?}, not {due:?}");
                self.clients.retain(|client| !clients.contains(&client.key));
            }
            _ => {}
        }
        Ok(())
    }

    pub(crate) fn followed_has_ended(&mut self, id: &JobId, now: Timestamp) {
        let follows = self.clients.iter_mut().flat_map(|client| &mut client.follows);
        follows.filter(|(followed, _)| followed == id).for_each(|(_, ended)| *ended = Some(now));
    }

    /// The name of a job that was known once may be another's now.
    pub(crate) fn followed_has_begun(&mut self, spec: &JobSpec) {
        for client in &mut self.clients {
            let own = is_own(&client.key, spec);
            client.follows.retain(|(followed, _)| !own || *followed != spec.id);
            let same = client.follows.iter_mut().filter(|(followed, _)| *followed == spec.id);
            same.for_each(|(_, ended)| *ended = None);
        }
    }

    pub(crate) fn clients_forgettable(&self) -> impl Iterator<Item = Timestamp> {
        self.clients.iter().map(|client| (client.seen_at + DAY_MS).max(self.clients_until))
    }

    fn is_told(&self, key: &ClientKey, job: &Job) -> bool {
        let (id, client) = (&job.spec.id, self.client(key));
        if is_own(key, &job.spec) {
            return !client.is_some_and(|client| client.muted.contains(id));
        }
        let workflow = job.spec.workflow_id().filter(|_| job.spec.owner.principal == key.principal);
        client.is_some_and(|client| client.follows.iter().any(|(followed, _)| followed == id))
            || workflow.is_some_and(|workflow| self.follows_workflow(key, workflow))
    }

    pub(crate) fn compare_clients(&self, ledger: &Ledger) -> Verdict {
        let keys: Vec<ClientKey> = (0..CLIENTS).map(client_key).collect();
        for key in &keys {
            let known = ledger.client(key);
            let expected = self.client(key);
            law!(known.is_some() == expected.is_some(), "a client is known from when it is seen", "{key:?}: {known:?}");
            let (Some(known), Some(client)) = (known, expected) else { continue };
            let jobs: BTreeMap<JobId, Option<Timestamp>> = client.follows.iter().cloned().collect();
            law!(known.jobs == jobs, "a client follows the jobs it asked for", "{key:?}: {known:?}, not {jobs:?}");
            let sets = (client.workflows.iter().cloned().collect(), client.muted.iter().cloned().collect());
            let shown = (known.workflows.clone(), known.muted.clone());
            law!(shown == sets, "a client follows workflows and mutes jobs", "{key:?}: {known:?}, not {sets:?}");
            let seen = (client.confirmed, client.seen_at);
            let shown = (known.confirmed, known.seen_at);
            law!(shown == seen, "what a client has heard only grows", "{key:?}: {shown:?}, not {seen:?}");
        }
        for job in &self.jobs {
            let Some(known) = ledger.job(&job.spec.id) else { continue };
            let mut followers: Vec<ClientKey> = ledger.followers(known).collect();
            followers.sort();
            let mut expected: Vec<ClientKey> = keys.iter().filter(|key| self.is_told(key, job)).cloned().collect();
            expected.sort();
            let id = &job.spec.id;
            law!(
                followers == expected,
                "who follows a job is told of it, once",
                "{id}: {followers:?}, not {expected:?}"
            );
        }
        Ok(())
    }
}

pub(crate) fn following_is_answered(
    before: &Oracle,
    command: &Command,
    now: Timestamp,
    given: Result<&Answer, &Refusal>,
    told: &Told,
) -> Verdict {
    law!(given == Ok(&Answer::Done), "whoever follows few is not refused", "{given:?}");
    let told: Vec<&Fact> = told.events.iter().map(|event| &event.fact).collect();
    let expected = before.expected(command, now);
    let expected: Vec<&Fact> = expected.iter().collect();
    law!(told == expected, "what is new of a client is told and nothing else", "{told:?}, not {expected:?}");
    const _: () = assert!(limits::CLIENT_KEPT_MS == DAY_MS && limits::FOLLOWED_KEPT_MS == DAY_MS);
    Ok(())
}
