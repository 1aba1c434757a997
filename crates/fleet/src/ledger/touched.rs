//! What of the shortest story an event changes, so that a checkpoint writes only that.

use super::{Chapter, Ledger};
use crate::{ClientKey, Event, Fact, Job, JobId, Timestamp};

impl Ledger {
    /// Names every chapter that is told otherwise once `event` is applied, those included that
    /// begin or end with it. Asked *before* [`apply`](Self::apply): what is forgotten has no name
    /// afterwards. A chapter may be named twice, or without need.
    ///
    /// Who keeps what [`story_of`](Self::story_of) tells of all chapters, and asks again for
    /// those named here, keeps the shortest story.
    pub fn touched_by(&self, event: &Event, touch: &mut impl FnMut(Chapter)) {
        match &event.fact {
            Fact::JobSubmitted { spec, order, .. } => {
                touch(Chapter::Counted);
                touch(Chapter::Live(*order));
                self.touch_followers(&spec.id, touch);
            }
            Fact::JobUnschedulable { job, .. } | Fact::JobSchedulable { job } | Fact::JobStarved { job } => {
                self.of(job).into_iter().for_each(|job| touch(Chapter::Live(job.order)));
            }
            Fact::JobStarted { job, .. } => self.of(job).into_iter().for_each(|job| touch(Chapter::Held(job.order))),
            Fact::JobAssigned { job, .. } => {
                let Some(job) = self.of(job) else { return };
                touch(Chapter::Live(job.order));
                touch(Chapter::Held(job.order));
            }
            Fact::JobReturned { job, .. } => {
                let Some(job) = self.of(job) else { return };
                touch(Chapter::Live(job.order));
                touch_held(job, touch);
            }
            Fact::JobFinished { job, .. } => {
                let Some(job) = self.of(job).filter(|job| !job.has_ended()) else { return };
                touch(Chapter::Live(job.order));
                touch(Chapter::Ended(event.at, job.order));
                touch_held(job, touch);
                self.touch_followers(&job.spec.id, touch);
            }
            Fact::JobForgotten { job } => {
                touch(Chapter::Counted);
                let ended = self.of(job).and_then(|job| Some((job.finished_at()?, job.order)));
                ended.into_iter().for_each(|ended| self.touch_ended(ended, touch));
            }
            Fact::JobsForgotten { completed, unhappy } => {
                touch(Chapter::Counted);
                self.oldest(*completed, *unhappy).for_each(|ended| self.touch_ended(ended, touch));
            }
            Fact::Counted { .. } => touch(Chapter::Counted),
            Fact::ClientFollows { client, .. } | Fact::ClientUnfollows { client, .. } => {
                touch(Chapter::Client(client.clone()));
            }
            Fact::ClientsSeen { clients } => {
                clients.iter().for_each(|(client, _)| touch(Chapter::Client(client.clone())));
            }
            Fact::ClientsForgotten { clients } => {
                clients.iter().for_each(|client| touch(Chapter::Client(client.clone())));
            }
            fact => self.touched_in_fleet(fact, touch),
        }
    }

    fn touched_in_fleet(&self, fact: &Fact, touch: &mut impl FnMut(Chapter)) {
        match fact {
            Fact::ServicePaused { service, .. } => touch(Chapter::Paused(service.clone())),
            Fact::MachineJoined { machine, .. }
            | Fact::MachineChanged { machine, .. }
            | Fact::MachineSilent { machine }
            | Fact::MachineLeft { machine, .. } => touch(Chapter::Machine(machine.clone())),
            Fact::WorkerJoined { worker, .. } => {
                touch(Chapter::Worker(worker.clone()));
                // What it holds goes on under the new session.
                let leases = self.workers.get(worker).into_iter().flat_map(|worker| &worker.leases);
                let jobs = leases.filter_map(|lease| self.rows.get(*self.leases.get(lease)?));
                jobs.for_each(|job| touch(Chapter::Held(job.order)));
            }
            Fact::WorkerDeclared { worker, .. }
            | Fact::WorkerDrained { worker, .. }
            | Fact::ServiceTurned { worker, .. }
            | Fact::WorkerLeft { worker, .. } => touch(Chapter::Worker(worker.clone())),
            // Derived, or not of the fleet.
            _ => {}
        }
    }

    /// Those that subscribed to the job by its name know when it ended.
    fn touch_followers(&self, job: &JobId, touch: &mut impl FnMut(Chapter)) {
        self.clients.of_job(job).into_iter().flatten().for_each(|client| touch(Chapter::Client(client.clone())));
    }

    /// A job that is forgotten, and with it that its client muted it.
    fn touch_ended(&self, (at, order): (Timestamp, u64), touch: &mut impl FnMut(Chapter)) {
        touch(Chapter::Ended(at, order));
        let Some(job) = self.rows.get(order) else { return };
        let Some(own) = ClientKey::of(&job.spec.owner) else { return };
        if self.clients.get(&own).is_some_and(|client| client.muted.contains(&job.spec.id)) {
            touch(Chapter::Client(own));
        }
    }

    fn of(&self, job: &JobId) -> Option<&Job> {
        self.rows.of_id(job)
    }
}

/// What the job's lease ends with: its worker counts it.
fn touch_held(job: &Job, touch: &mut impl FnMut(Chapter)) {
    let Some(lease) = job.lease() else { return };
    touch(Chapter::Held(job.order));
    touch(Chapter::Worker(lease.worker.clone()));
}
