//! Machines join, beat and leave.

use super::Ledger;
use crate::{
    Answer, Beat, Declared, Fact, LeaseId, MachineFacts, MachineId, Orders, Phase, Refusal, Timestamp, Told, WorkerId,
    limits,
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
                let phase = known.phase;
                self.change_machine(id, facts, phase, now, told);
            }
            Some(_) => {}
        }
        self.hear(id, now, told);
        Ok(Answer::Orders(Orders::default()))
    }

    pub(super) fn beat(&mut self, beat: Beat, now: Timestamp, told: &mut Told) -> Result<Answer, Refusal> {
        let known = self
            .machines
            .get(&beat.machine)
            .ok_or_else(|| Refusal::UnknownMachine { machine: beat.machine.clone() })?;
        let changed = beat.phase.filter(|phase| *phase != known.phase).map(|phase| (phase, known.facts.clone()));
        for (worker, declared) in beat.workers {
            self.declare(&worker, &beat.machine, declared, now, told);
        }
        if let Some((phase, facts)) = changed {
            self.change_machine(&beat.machine, facts, phase, now, told);
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
        Ok(Answer::Orders(Orders { cancel }))
    }

    pub(super) fn take_orders(&mut self, id: &MachineId) -> Result<Answer, Refusal> {
        if !self.machines.contains_key(id) {
            return Err(Refusal::UnknownMachine { machine: id.clone() });
        }
        let cancel = self.presence.revoked.remove(id).unwrap_or_default().into();
        Ok(Answer::Orders(Orders { cancel }))
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
        self.emit(Fact::MachineLeft { machine: id.clone(), reason: reason.map(Arc::from) }, now, told);
    }

    /// A sign of life. A machine that was silent is told to be there again.
    pub(super) fn hear(&mut self, id: &MachineId, now: Timestamp, told: &mut Told) {
        self.presence.hear_machine(id, now, now + limits::MACHINE_SILENT_MS);
        if let Some(machine) = self.machines.get(id).filter(|machine| machine.silent_since.is_some()) {
            let (facts, phase) = (machine.facts.clone(), machine.phase);
            self.change_machine(id, facts, phase, now, told);
        }
    }

    /// Tells the machine as it is now, which is heard.
    fn change_machine(&mut self, id: &MachineId, facts: MachineFacts, phase: Phase, now: Timestamp, told: &mut Told) {
        let Some(machine) = self.machines.get(id) else { return };
        let mut workers: Vec<_> = machine.workers.iter().filter_map(|id| self.worker_report(id)).collect();
        for report in &mut workers {
            // As they are once the machine is heard.
            if let Some(worker) = self.workers.get(&report.worker) {
                report.status = worker.status(false);
            }
        }
        self.emit(Fact::MachineChanged { machine: id.clone(), facts, phase, workers }, now, told);
    }

    fn declare(&mut self, id: &WorkerId, machine: &MachineId, declared: Declared, now: Timestamp, told: &mut Told) {
        let Some(worker) = self.workers.get(id) else { return };
        if worker.machine != *machine || worker.declared == declared {
            return;
        }
        let old = self.worker_status(worker);
        let silent = self.machines.get(machine).is_some_and(|machine| machine.silent_since.is_some());
        let mut after = worker.clone();
        after.declared = declared;
        let new = after.status(silent);
        if declared != Declared::Ready {
            self.step_back(id);
        }
        let fact = Fact::WorkerDeclared { worker: id.clone(), machine: machine.clone(), declared, old, new };
        self.emit(fact, now, told);
    }

    fn is_held_at(&self, lease: LeaseId, machine: &MachineId) -> bool {
        let job = self.leases.get(&lease).and_then(|job| self.jobs.get(job));
        job.and_then(crate::Job::lease).is_some_and(|held| held.id == lease && held.machine == *machine)
    }
}
