//! The oracle beside what the ledger shows, after every command.

use crate::oracle::{Job, Oracle, Place, Standing, Worker};
use fleet::{JobId, LeaseId, Ledger, Outcome, Status, Timestamp, limits};
use std::cmp::Reverse;
use std::collections::BTreeSet;

type Verdict = Result<(), String>;

impl Oracle {
    /// The known jobs that ended so, those that ended first before the others.
    pub(crate) fn ended_first(&self, completed: bool) -> Vec<&Job> {
        let is_it = |job: &&Job| matches!(&job.place, Place::Finished { outcome, .. } if matches!(outcome, Outcome::Completed { .. }) == completed);
        let mut ended: Vec<&Job> = self.jobs.iter().filter(is_it).collect();
        ended.sort_by_key(|job| (job.ended_at(), job.order));
        ended
    }

    /// When each of them may be forgotten, as far as the archive has come and but for the newest.
    pub(crate) fn forgettable(&self, completed: bool) -> Vec<Timestamp> {
        let ended = self.ended_first(completed);
        let old = ended.len().saturating_sub(self.rules.finished_tail);
        let times = ended.into_iter().take(old).filter_map(Job::ended_at);
        let archived = times.take_while(|at| self.archived.is_some_and(|before| *at < before));
        archived.map(|at| at + limits::FINISHED_KEPT_MS).collect()
    }

    /// When time alone has to do something next.
    pub(crate) fn obligation(&self) -> Option<Timestamp> {
        let jobs = self.jobs.iter().filter_map(|job| self.obligation_of(job));
        let machines = self.machines.iter().map(|m| if m.silent { m.gone_at } else { m.silent_at.max(m.grace) });
        let kept_away = self.kept_away.iter().map(|(_, _, until)| *until);
        let forgettable = [true, false].into_iter().flat_map(|completed| self.forgettable(completed));
        jobs.chain(machines).chain(kept_away).chain(forgettable).chain(self.clients_forgettable()).min()
    }

    fn obligation_of(&self, job: &Job) -> Option<Timestamp> {
        let timing = job.spec.timing();
        let times = match &job.place {
            Place::Waiting(wait) => {
                let unmatched = timing.fail_if_unmatched_ms.filter(|_| wait.marked).map(|ms| wait.since + ms);
                let starves = self.rules.starve_after_ms.filter(|_| !job.starves).map(|ms| job.at + ms);
                let wakes = wait.not_before.filter(|_| !wait.awake);
                [wakes, timing.start_by, timing.finish_by, unmatched, starves]
            }
            Place::Held(held) => {
                let start_by = timing.start_by.filter(|_| held.started.is_none());
                [Some(held.ends().0), start_by, timing.finish_by, None, None]
            }
            Place::Finished { .. } => [None; 5],
        };
        times.into_iter().flatten().min()
    }

    /// Ticks have come to rest.
    pub(crate) fn rests(&self, now: Timestamp) -> Verdict {
        law!(now == self.now, "the oracle knows what time it is", "{now:?}");
        let due = self.obligation().filter(|at| *at <= now);
        law!(due.is_none(), "after ticks come to rest nothing is due", "{due:?} at {now:?}");
        for job in &self.jobs {
            let Some(wait) = job.waiting() else { continue };
            let capable = self.is_capable(job);
            let id = &job.spec.id;
            law!(wait.marked != capable, "at rest exactly those that nobody could run are marked", "{id}: {capable}");
        }
        self.nobody_stands_in_vain(now, true)
    }

    /// Compares with what the ledger shows.
    pub(crate) fn compare(&self, ledger: &Ledger, now: Timestamp) -> Verdict {
        let deadline = ledger.next_deadline();
        if let Some(at) = self.obligation() {
            law!(deadline.is_some_and(|d| d <= at), "no deadline is missed", "{deadline:?}, but {at:?} is due");
        }
        self.nobody_stands_in_vain(now, false)?;
        self.compare_jobs(ledger)?;
        self.compare_lists(ledger)?;
        self.compare_clients(ledger)?;
        self.compare_fleet(ledger)
    }

    /// A job that ran out of memory finds those that will do after all at the next tick.
    fn nobody_stands_in_vain(&self, now: Timestamp, at_rest: bool) -> Verdict {
        for Standing { worker: id, until, .. } in &self.standing {
            let waits = self.pick(id).filter(|_| *until > now && self.has_room(id));
            let waits = waits.filter(|job| at_rest || job.too_little.is_none()).map(|job| &job.spec.id);
            law!(waits.is_none(), "no job waits while a worker stands ready for it", "{waits:?} waits for {id}");
        }
        Ok(())
    }

    fn compare_jobs(&self, ledger: &Ledger) -> Verdict {
        for job in &self.jobs {
            let id = &job.spec.id;
            let Some(known) = ledger.job(id) else {
                return Err(format!("an accepted job is there until forgotten: {id} is not"));
            };
            let shown = (known.status(), known.order, known.told, known.created_at, known.rank, known.is_starving);
            let expected = (job.status(), job.order, job.told, job.at, job.rank, job.starves);
            law!(shown == expected, "a job is what its events say", "{id}: {shown:?}, not {expected:?}");
            let counts = known.counts;
            let shown = (counts.runs_failed, counts.lost_in_a_row, counts.handed_back, known.more_than_gb);
            let expected = (job.runs_failed, job.lost, job.handed_back, job.too_little);
            law!(shown == expected, "runs, losses and returns are counted", "{id}: {shown:?}, not {expected:?}");
            let shown = known.waiting().map(|wait| (wait.since, wait.not_before, wait.missing.is_some()));
            let expected = job.waiting().map(|wait| (wait.since, wait.not_before, wait.marked));
            law!(shown == expected, "a job waits as its events say", "{id}: {shown:?}, not {expected:?}");
            let lease = job.held().map(|held| held.lease);
            let found = lease.and_then(|lease| ledger.lease(lease)).map(|lease| lease.id);
            law!(found == lease, "a held lease is found by its name", "{id}");
            if let Place::Finished { by: Some(lease), .. } = job.place {
                law!(ledger.lease(lease).is_none(), "a lease that ended is found no more", "{id}");
            }
            let number = known.attempts.last().map_or(0, |attempt| attempt.number);
            law!(number == job.attempt, "attempts are numbered one by one", "{id}: {number}, not {}", job.attempt);
            if let Some(key) = job.spec.idempotency_key() {
                let found = ledger.job_by_key(&job.spec.owner.principal, key).map(|job| &job.spec.id);
                law!(found == Some(id), "a job is known by its key until it is forgotten", "{id}: {found:?}");
            }
        }
        Ok(())
    }

    /// Each job is in exactly one place.
    fn compare_lists(&self, ledger: &Ledger) -> Verdict {
        let listed: Vec<&JobId> = ledger.pending().map(|job| &job.spec.id).collect();
        let mut waiting: Vec<&Job> = self.jobs.iter().filter(|job| job.status() == Status::Pending).collect();
        waiting.sort_by_key(|job| job.place_in_queue());
        let waiting: Vec<&JobId> = waiting.into_iter().map(|job| &job.spec.id).collect();
        law!(listed == waiting, "pending jobs are listed in the order they run", "{listed:?}, not {waiting:?}");
        let submitted: Vec<u64> = ledger.submitted_before(u64::MAX).map(|job| job.order).collect();
        let mut orders: Vec<u64> = self.jobs.iter().map(|job| job.order).collect();
        orders.sort_by_key(|order| Reverse(*order));
        law!(submitted == orders, "all jobs are listed by submission", "{submitted:?}, not {orders:?}");
        let active: BTreeSet<&JobId> = ledger.active().map(|job| &job.spec.id).collect();
        let held = self.jobs.iter().filter(|job| job.held().is_some()).map(|job| &job.spec.id).collect();
        law!(active == held, "active jobs are those under a lease", "{active:?}, not {held:?}");
        let listed = |listed: Vec<&fleet::Job>| listed.into_iter().rev().map(|job| job.order).collect::<Vec<_>>();
        let listed = [listed(ledger.completed().collect()), listed(ledger.unhappy().collect())];
        let ended = [true, false].map(|completed| self.ended_first(completed));
        let ended = ended.map(|jobs| jobs.into_iter().map(|job| job.order).collect::<Vec<_>>());
        law!(listed == ended, "what has ended is listed, newest first", "{listed:?}, not {ended:?}");
        let in_classes: usize = ledger.classes(None, usize::MAX).0.iter().map(|class| class.waiting).sum();
        law!(in_classes == waiting.len(), "each waiting job is in one class", "{in_classes}, not {}", waiting.len());
        Ok(())
    }

    fn compare_fleet(&self, ledger: &Ledger) -> Verdict {
        for worker in &self.workers {
            let Some(known) = ledger.worker(&worker.id) else {
                return Err(format!("{} is known: it is not", worker.id));
            };
            let (shown, status) = (worker.shown, self.status(worker));
            law!(ledger.worker_status(known) == status, "a worker's status follows from leases", "not {status:?}");
            law!(shown == status, "who follows events shows workers as they are", "{shown:?}, not {status:?}");
            let held_back = (known.is_draining, &known.down) == (worker.draining, &worker.down);
            law!(held_back, "a worker is held back as its events say", "{}", worker.id);
            let leases: BTreeSet<LeaseId> = self.leases_of(&worker.id).into_iter().collect();
            law!(known.leases == leases, "a worker's leases are those of its jobs", "{}", worker.id);
            let counts = (known.jobs_completed, known.jobs_failed);
            let counted = self.counts.get(&worker.id).copied().unwrap_or_default();
            law!(counts == counted, "a worker's counts are a recount", "{}: {counts:?}, not {counted:?}", worker.id);
            let mut sessions = leases.iter().filter_map(|lease| ledger.lease(*lease)).map(|lease| lease.session);
            let same = sessions.all(|session| session == worker.session);
            law!(same, "a lease that goes on goes on under the new session", "{}", worker.id);
        }
        for machine in &self.machines {
            let known = ledger.machine(&machine.id);
            let workers = known.map(|known| known.workers.clone());
            let on_it = |worker: &&Worker| worker.machine == machine.id;
            let expected = self.workers.iter().filter(on_it).map(|worker| worker.id.clone()).collect();
            law!(workers.as_ref() == Some(&expected), "a machine has its workers", "{workers:?}, not {expected:?}");
            let drains = known.is_some_and(|known| known.is_draining);
            law!(drains == machine.draining, "a machine drains as its events say", "{}: {drains}", machine.id);
        }
        let paused: BTreeSet<_> = ledger.paused().map(|(service, _)| service.clone()).collect();
        law!(paused == self.paused, "services are paused as events say", "{paused:?}");
        self.compare_tally(ledger)
    }

    fn compare_tally(&self, ledger: &Ledger) -> Verdict {
        let ended = |status| self.ended.get(&status).copied().unwrap_or_default();
        let count = |status| self.jobs.iter().filter(|job| job.status() == status).count() as u64;
        let busy = self.workers.iter().filter(|worker| !self.leases_of(&worker.id).is_empty()).count();
        let recount = fleet::Tally {
            pending: count(Status::Pending),
            assigned: count(Status::Assigned),
            in_progress: count(Status::InProgress),
            completed: ended(Status::Completed),
            failed: ended(Status::Failed),
            cancelled: ended(Status::Cancelled),
            workers: self.workers.len() as u64,
            workers_busy: busy as u64,
            machines: self.machines.len() as u64,
        };
        let tally = ledger.tally();
        law!(tally.jobs() == self.submitted, "all that were ever submitted are counted", "{tally:?}");
        law!(tally == recount, "the tally is a recount", "{tally:?}, not {recount:?}");
        Ok(())
    }
}
