//! What clients ask, for those who ask over a socket: the same as over HTTP.

use super::super::Doors;
use super::super::jobs::{For, not_found, signed, taken_apart, whole};
use super::super::problem::Refused;
use crate::access::Caller;
use crate::archived::Recalled;
use crate::desk::{Decided, NotDecided};
use fleet::{ClientId, Command, Job, JobId, Refusal};
use std::sync::Arc;
use tokio::sync::oneshot;
use wire::explain::SchedulableView;
use wire::jobs::{JobView, Submission};

/// What became of a submission so far.
pub(super) enum TakenIn {
    /// It is being decided.
    Asked(oneshot::Receiver<Result<Decided, NotDecided>>),
    /// The archive knows it.
    Known(Box<Job>),
}

/// Takes in a submission; those taken in one after the other are decided in that order.
pub(super) async fn take_in(
    doors: &Doors,
    caller: &Caller,
    client: ClientId,
    submission: Submission,
    is_minted: bool,
) -> Result<TakenIn, Refused> {
    caller.0.allowance.submit(1)?;
    let desk = &doors.desk;
    let submission = signed(submission, caller, &Arc::new(caller.owner(Some(client))))?;
    desk.check_room()?;
    let now = desk.now();
    let recalled = match desk.recall(&submission.spec, is_minted).await.map_err(NotDecided::from)? {
        Recalled::Nothing(rank) => rank,
        Recalled::Same(job) => return Ok(TakenIn::Known(job)),
        Recalled::OtherOfThisId => return Err(Refusal::JobIdConflict { job: submission.spec.id }.into()),
        Recalled::OtherOfThisKey => return Err(Refusal::IdempotencyConflict.into()),
    };
    let (spec, attached, _) = taken_apart(desk, submission).await?;
    Ok(TakenIn::Asked(desk.submit(Command::Submit { spec: Arc::new(spec), recalled }, attached, now)?))
}

/// Cancels a job; one that was cancelled stays so.
pub(super) async fn call_off(doors: &Doors, caller: &Caller, id: &JobId) -> Result<(), Refused> {
    let job = doors.desk.job(id).await.map_err(NotDecided::from)?;
    let job = job.filter(|job| caller.may_change(&job.spec)).ok_or_else(|| not_found(id.clone()))?;
    let (by, cancel) = (caller.by_office(&job.spec), Command::Cancel { job: id.clone() });
    match doors.desk.ask_by(by, cancel, Vec::new(), doors.desk.now()).await {
        Ok(_) => Ok(()),
        // It ended so long ago that only the archive knows it.
        Err(NotDecided::Refused(Refusal::JobNotFound { .. })) if job.status() == fleet::Status::Cancelled => Ok(()),
        Err(NotDecided::Refused(Refusal::JobNotFound { job: id })) => {
            Err(Refusal::AlreadyFinished { job: id, status: job.status() }.into())
        }
        Err(not) => Err(not.into()),
    }
}

/// A job as `GET /api/jobs/{id}` shows it.
pub(super) async fn shown(doors: &Doors, caller: &Caller, id: &JobId) -> Result<JobView, Refused> {
    let now = doors.desk.now();
    let job = doors.desk.job(id).await.map_err(NotDecided::from)?;
    let job = job.filter(|job| caller.may_see(&job.spec)).ok_or_else(|| not_found(id.clone()))?;
    let schedulable = SchedulableView::of(&doors.desk.feed.view().ledger, &job);
    let view = whole(doors, &job, now, For::Reader).await.map_err(NotDecided::from)?;
    Ok(JobView { schedulable, ..view })
}
