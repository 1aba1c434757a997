//! What has ended stays until it can be read elsewhere, and is forgotten in the order of the ends.

use super::{Gone, Ledger};
use crate::{Answer, ClientKey, Fact, Finished, Job, Refusal, Status, Timestamp, Told, limits};
use std::collections::BTreeSet;

impl Ledger {
    /// The archive has come so far; that it never falls back is the caller's promise.
    pub(super) fn heed_archive(&mut self, before: Timestamp) -> Result<Answer, Refusal> {
        self.presence.archived = self.presence.archived.max(Some(before));
        Ok(Answer::Done)
    }

    /// When the next job may be forgotten; `None` while the archive has to come further first.
    pub(super) fn next_to_forget(&self) -> Option<Timestamp> {
        [&self.completed, &self.unhappy].into_iter().filter_map(|ended| self.forgettable(ended).next()).min()
    }

    /// From when on each may be forgotten, the oldest first; the newest never are.
    fn forgettable(&self, ended: &BTreeSet<(Timestamp, u64)>) -> impl Iterator<Item = Timestamp> {
        let archived = self.presence.archived;
        let beyond = ended.iter().take(ended.len().saturating_sub(self.rules.finished_tail));
        // A report on the job may come twice while it is kept.
        let kept_ms = self.rules.finished_kept_ms;
        beyond.map_while(move |(at, _)| archived.is_some_and(|before| *at < before).then_some(*at + kept_ms))
    }

    pub(super) fn forget_finished(&mut self, now: Timestamp, told: &mut Told) {
        let count = |ended, max| self.forgettable(ended).take_while(|at| *at <= now).take(max).count();
        let completed = count(&self.completed, limits::FORGOTTEN_PER_TICK_MAX);
        let unhappy = count(&self.unhappy, limits::FORGOTTEN_PER_TICK_MAX - completed);
        if completed + unhappy > 0 {
            let (completed, unhappy) = (completed as u32, unhappy as u32);
            self.emit(Fact::JobsForgotten { completed, unhappy }, now, told);
        }
    }

    /// Of each kind those that [`forget_oldest`](Self::forget_oldest) forgets.
    pub(super) fn oldest(&self, completed: u32, unhappy: u32) -> impl Iterator<Item = (Timestamp, u64)> {
        let completed = self.completed.iter().take(completed as usize);
        completed.chain(self.unhappy.iter().take(unhappy as usize)).copied()
    }

    pub(super) fn forget_oldest(&mut self, completed: u32, unhappy: u32) {
        let oldest: Vec<_> = self.oldest(completed, unhappy).collect();
        for (_, number) in oldest {
            self.forget(number);
        }
    }

    /// All that hung on the job goes with it.
    pub(super) fn forget(&mut self, number: u64) {
        if self.rows.get(number).is_none_or(|job| !job.has_ended()) {
            return;
        }
        let Some(job) = self.rows.remove(number) else { return };
        if let Some(Finished { at, by, .. }) = job.finished() {
            self.ended(job.status()).remove(&(*at, number));
            if let Some(lease) = by {
                self.leases.remove(lease);
            }
        }
        self.forget_in_workflow(&job);
        self.owners.job_forgotten(&job.spec.owner);
        if let Some(client) = ClientKey::of(&job.spec.owner) {
            self.clients.unmute(&client, &job.spec.id);
        }
        match job.status() {
            Status::Completed => self.gone.completed += 1,
            Status::Cancelled => self.gone.cancelled += 1,
            _ => self.gone.failed += 1,
        }
    }

    fn forget_in_workflow(&mut self, job: &Job) {
        let Some(workflow) = job.spec.workflow_id() else { return };
        let of = (job.spec.owner.principal.clone(), workflow.clone());
        let Some(known) = self.workflows.get_mut(&of) else { return };
        known.jobs -= 1;
        if known.jobs == 0 {
            self.workflows.remove(&of);
        }
    }

    pub(super) fn ended(&mut self, status: Status) -> &mut BTreeSet<(Timestamp, u64)> {
        if status == Status::Completed { &mut self.completed } else { &mut self.unhappy }
    }

    /// What a story begins with.
    pub(super) fn recount(&mut self, orders: u64, gone: Gone) {
        self.orders = self.orders.max(orders);
        let add = |all: &mut u64, old: u64, new: u64| *all = (*all - old).saturating_add(new);
        add(&mut self.tally.completed, self.gone.completed, gone.completed);
        add(&mut self.tally.failed, self.gone.failed, gone.failed);
        add(&mut self.tally.cancelled, self.gone.cancelled, gone.cancelled);
        self.gone = gone;
    }
}
