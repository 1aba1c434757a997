//! Workers join and leave.

use super::Ledger;
use crate::{
    Answer, Fact, JoinWorker, LeaseId, Orders, Refusal, ReturnReason, SessionId, Timestamp, Told, WorkerId, limits,
};
use std::sync::Arc;

impl Ledger {
    /// Begins a session: what the worker holds and does not resume goes back to the queue.
    pub(super) fn join_worker(&mut self, join: JoinWorker, now: Timestamp, told: &mut Told) -> Result<Answer, Refusal> {
        let machine = self
            .machines
            .get(&join.machine)
            .ok_or_else(|| Refusal::UnknownMachine { machine: join.machine.clone() })?;
        let is_new_there = !machine.workers.contains(&join.worker);
        if is_new_there && machine.workers.len() >= limits::WORKERS_PER_MACHINE_MAX {
            return Err(Refusal::TooManyWorkers { machine: join.machine });
        }
        self.step_back(&join.worker);
        let moves = self.workers.get(&join.worker).is_some_and(|old| old.machine != join.machine);
        let held = |lease: &LeaseId| !moves && self.holds(&join.worker, *lease);
        let resumed: Vec<_> = join.resume.iter().copied().filter(held).collect();
        for job in self.jobs_of(&join.worker, &resumed) {
            self.lose(job, ReturnReason::SessionReplaced, now, told);
        }
        // Only now: a lost job may have ended as poison, which counts.
        let old = self.workers.get(&join.worker);
        let (jobs_completed, jobs_failed) = old.map_or((0, 0), |old| (old.jobs_completed, old.jobs_failed));
        let is_draining = old.is_some_and(|old| old.is_draining);
        if moves {
            self.remove_worker(&join.worker, &ReturnReason::SessionReplaced, Some("moved"), now, told);
        }
        let fact = Fact::WorkerJoined {
            worker: join.worker.clone(),
            machine: join.machine,
            session: join.session,
            slots: join.slots,
            capabilities: join.capabilities,
            loaded_models: join.loaded_models,
            is_draining,
            jobs_completed,
            jobs_failed,
        };
        self.emit(fact, now, told);
        for lease in &resumed {
            self.renew_lease(*lease, now);
        }
        let cancel = join.resume.into_iter().filter(|lease| !resumed.contains(lease)).collect();
        let drain = self.workers.get(&join.worker).is_some_and(|worker| self.drains(worker));
        Ok(Answer::Orders(Orders { cancel, drain }))
    }

    pub(super) fn leave_worker(
        &mut self,
        id: &WorkerId,
        session: Option<SessionId>,
        now: Timestamp,
        told: &mut Told,
    ) -> Result<Answer, Refusal> {
        let worker = self.workers.get(id).ok_or_else(|| Refusal::UnknownWorker { worker: id.clone() })?;
        if session.is_some_and(|session| session != worker.session) {
            return Err(Refusal::SessionReplaced { worker: id.clone() });
        }
        self.remove_worker(id, &ReturnReason::WorkerLeft, None, now, told);
        Ok(Answer::Done)
    }

    /// The worker is no more; its jobs go back to the queue.
    pub(super) fn remove_worker(
        &mut self,
        id: &WorkerId,
        why: &ReturnReason,
        reason: Option<&str>,
        now: Timestamp,
        told: &mut Told,
    ) {
        self.step_back(id);
        for job in self.jobs_of(id, &[]) {
            self.lose(job, why.clone(), now, told);
        }
        let Some(machine) = self.workers.get(id).map(|worker| worker.machine.clone()) else { return };
        self.emit(Fact::WorkerLeft { worker: id.clone(), machine, reason: reason.map(Arc::from) }, now, told);
    }

    fn holds(&self, worker: &WorkerId, lease: LeaseId) -> bool {
        self.workers.get(worker).is_some_and(|worker| worker.leases.contains(&lease))
    }

    /// The numbers of the jobs under the worker's leases, but for these leases.
    fn jobs_of(&self, worker: &WorkerId, but: &[LeaseId]) -> Vec<u64> {
        let Some(worker) = self.workers.get(worker) else { return Vec::new() };
        let leases = worker.leases.iter().filter(|lease| !but.contains(lease));
        leases.filter_map(|lease| self.leases.get(lease)).copied().collect()
    }
}
