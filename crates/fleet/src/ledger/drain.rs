//! What an operator holds back: a machine, a worker, a service.

use super::Ledger;
use crate::{Answer, Fact, MachineId, Refusal, Service, Timestamp, Told, WorkerId};

impl Ledger {
    /// The machine's workers finish what they have and get nothing new; or they do again.
    pub(super) fn drain_machine(
        &mut self,
        id: &MachineId,
        is_draining: bool,
        now: Timestamp,
        told: &mut Told,
    ) -> Result<Answer, Refusal> {
        let unknown = || Refusal::UnknownMachine { machine: id.clone() };
        let machine = self.machines.get(id).ok_or_else(unknown)?;
        if machine.is_draining == is_draining {
            return Ok(Answer::Done);
        }
        let workers: Vec<WorkerId> = machine.workers.iter().cloned().collect();
        let mut changed = machine.clone();
        changed.is_draining = is_draining;
        if is_draining {
            for worker in &workers {
                self.step_back(worker);
            }
        }
        let before: Vec<_> = workers.iter().map(|worker| self.status_of_worker(worker)).collect();
        self.change_machine(changed, now, told);
        for (worker, old) in workers.iter().zip(before) {
            self.tell_turn(worker, old, now, told);
        }
        self.presence.order(id);
        Ok(Answer::Done)
    }

    pub(super) fn drain_worker(
        &mut self,
        id: &WorkerId,
        is_draining: bool,
        now: Timestamp,
        told: &mut Told,
    ) -> Result<Answer, Refusal> {
        let worker = self.workers.get(id).ok_or_else(|| Refusal::UnknownWorker { worker: id.clone() })?;
        if worker.is_draining == is_draining {
            return Ok(Answer::Done);
        }
        let (old, mut after) = (self.worker_status(worker), worker.clone());
        after.is_draining = is_draining;
        let (machine, new) = (worker.machine.clone(), self.worker_status(&after));
        if is_draining {
            self.step_back(id);
        }
        let fact = Fact::WorkerDrained { worker: id.clone(), machine, is_draining, old, new };
        self.emit(fact, now, told);
        Ok(Answer::Done)
    }

    /// Nothing of the service is given any more, whatever comes in; or it is again.
    pub(super) fn pause_service(
        &mut self,
        service: &Service,
        is_paused: bool,
        now: Timestamp,
        told: &mut Told,
    ) -> Result<Answer, Refusal> {
        if self.paused.contains_key(service) == is_paused {
            return Ok(Answer::Done);
        }
        self.emit(Fact::ServicePaused { service: service.clone(), is_paused }, now, told);
        if !is_paused {
            self.unbarred.extend(self.schedule.standing_at(service));
        }
        Ok(Answer::Done)
    }
}
