//! Machines join, beat and leave.

use super::Ledger;
use crate::{
    Answer, Beat, Declared, Fact, Health, LeaseId, Machine, MachineFacts, MachineId, Orders, Phase, Refusal, Timestamp,
    Told, Worker, WorkerId, limits,
};
use std::sync::Arc;

impl Ledger {
    pub(super) fn join_machine(
        &mut self,
        id: &MachineId,
        facts: MachineFacts,
        now: Timestamp,
        told: &mut Told,
    ) -> Result<Answer, Refusal> {
        match self.machines.get(id) {
            None if self.machines.len() >= limits::MACHINES_MAX => return Err(Refusal::TooManyMachines),
            None => {
                let fact = Fact::MachineJoined { machine: id.clone(), facts, phase: Phase::Ready };
                self.emit(fact, now, told);
            }
            Some(known) if known.facts != facts => {
                let changed = Machine { facts, silent_since: None, ..known.clone() };
                self.change_machine(changed, now, told);
            }
            Some(_) => {}
        }
        self.hear(id, now, told);
        Ok(Answer::Orders(self.machine_orders(id, Vec::new())))
    }

    pub(super) fn beat(&mut self, beat: Beat, now: Timestamp, told: &mut Told) -> Result<Answer, Refusal> {
        let known = self
            .machines
            .get(&beat.machine)
            .ok_or_else(|| Refusal::UnknownMachine { machine: beat.machine.clone() })?;
        let changed = beat.phase.filter(|phase| *phase != known.phase);
        let changed = changed.map(|phase| Machine { phase, silent_since: None, ..known.clone() });
        for (worker, declared) in beat.workers {
            self.declare(&worker, &beat.machine, declared, now, told);
        }
        for (worker, service, health) in beat.services {
            if self.workers.get(&worker).is_some_and(|worker| worker.machine == beat.machine) {
                let down: Arc<str> = "its machine says so".into();
                self.turn_service(&worker, &service, (health == Health::Down).then_some(&down), now, told);
            }
        }
        if let Some(changed) = changed {
            self.change_machine(changed, now, told);
        }
        self.hear(&beat.machine, now, told);
        let mut cancel = Vec::new();
        for lease in beat.leases {
            match self.is_held_at(lease, &beat.machine) {
                true => self.renew_lease(lease, now),
                false => cancel.push(lease),
            }
        }
        if let Some(revoked) = self.presence.revoked.get_mut(&beat.machine) {
            revoked.retain(|lease| !cancel.contains(lease));
        }
        Ok(Answer::Orders(self.machine_orders(&beat.machine, cancel)))
    }

    /// Whether the machine drains is told with every answer, so it counts as told.
    fn machine_orders(&mut self, id: &MachineId, cancel: Vec<LeaseId>) -> Orders {
        self.presence.ordered.remove(id);
        Orders { cancel, drain: self.machines.get(id).is_some_and(|machine| machine.is_draining) }
    }

    /// Whether the worker is to finish what it has and take nothing new.
    pub(super) fn drains(&self, worker: &Worker) -> bool {
        worker.is_draining || self.machines.get(&worker.machine).is_some_and(|machine| machine.is_draining)
    }

    pub(super) fn take_orders(&mut self, id: &MachineId) -> Result<Answer, Refusal> {
        if !self.machines.contains_key(id) {
            return Err(Refusal::UnknownMachine { machine: id.clone() });
        }
        let cancel: Vec<LeaseId> = self.presence.revoked.remove(id).unwrap_or_default().into();
        let is_new = !cancel.is_empty() || self.presence.ordered.contains(id);
        Ok(Answer::TakenOrders { orders: self.machine_orders(id, cancel), is_new })
    }

    pub(super) fn leave_machine(&mut self, id: &MachineId, now: Timestamp, told: &mut Told) -> Result<Answer, Refusal> {
        if !self.machines.contains_key(id) {
            return Err(Refusal::UnknownMachine { machine: id.clone() });
        }
        self.remove_machine(id, None, now, told);
        Ok(Answer::Done)
    }

    /// The machine and its workers are no more; their jobs go back to the queue.
    pub(super) fn remove_machine(&mut self, id: &MachineId, reason: Option<&str>, now: Timestamp, told: &mut Told) {
        let Some(machine) = self.machines.get(id) else { return };
        let workers: Vec<WorkerId> = machine.workers.iter().cloned().collect();
        for worker in workers {
            self.remove_worker(&worker, &crate::ReturnReason::MachineLeft, reason, now, told);
        }
        self.presence.machines.remove(id);
        self.presence.revoked.remove(id);
        self.presence.ordered.remove(id);
        self.emit(Fact::MachineLeft { machine: id.clone(), reason: reason.map(Arc::from) }, now, told);
    }

    /// A sign of life. A machine that was silent is told to be there again.
    pub(super) fn hear(&mut self, id: &MachineId, now: Timestamp, told: &mut Told) {
        self.presence.hear_machine(id, now, now + limits::MACHINE_SILENT_MS);
        if let Some(machine) = self.machines.get(id).filter(|machine| machine.silent_since.is_some()) {
            let heard = Machine { silent_since: None, ..machine.clone() };
            self.change_machine(heard, now, told);
        }
    }

    /// Tells the machine as it is to be, whole.
    pub(super) fn change_machine(&mut self, changed: Machine, now: Timestamp, told: &mut Told) {
        let Machine { id, facts, phase, silent_since, is_draining, workers, .. } = changed;
        let mut workers: Vec<_> = workers.iter().filter_map(|id| self.worker_report(id)).collect();
        for report in &mut workers {
            // As they are once the machine is so.
            if let Some(worker) = self.workers.get(&report.worker) {
                report.status = worker.status(silent_since.is_some(), is_draining);
            }
        }
        let fact = Fact::MachineChanged { machine: id, facts, phase, is_draining, silent_since, workers };
        self.emit(fact, now, told);
    }

    fn declare(&mut self, id: &WorkerId, machine: &MachineId, declared: Declared, now: Timestamp, told: &mut Told) {
        let Some(worker) = self.workers.get(id) else { return };
        if worker.machine != *machine || worker.declared == declared {
            return;
        }
        let (old, mut after) = (self.worker_status(worker), worker.clone());
        after.declared = declared;
        let new = self.worker_status(&after);
        if declared != Declared::Ready {
            self.step_back(id);
        }
        let fact = Fact::WorkerDeclared { worker: id.clone(), machine: machine.clone(), declared, old, new };
        self.emit(fact, now, told);
    }

    fn is_held_at(&self, lease: LeaseId, machine: &MachineId) -> bool {
        let job = self.leases.get(&lease).and_then(|job| self.rows.get(*job));
        job.and_then(crate::Job::lease).is_some_and(|held| held.id == lease && held.machine == *machine)
    }
}
