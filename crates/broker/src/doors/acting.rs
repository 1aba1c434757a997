//! For which machines, workers and leases somebody may speak.

use super::Doors;
use super::body::Segment;
use super::machines::parse_machine_id;
use super::problem::Refused;
use super::workers::parse_worker_id;
use crate::access::Caller;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use fleet::{LeaseId, MachineId, Refusal, WorkerId};
use wire::agent::parse_lease;

/// The machine of the path; the caller may speak for it.
pub(super) struct OwnMachine(pub(super) MachineId);

/// The worker of the path; the caller may speak for its machine, if it is known.
pub(super) struct OwnWorker(pub(super) WorkerId);

/// The lease of the path; the caller may speak for the machine that holds it, if one does.
pub(super) struct OwnLease(pub(super) LeaseId);

/// # Errors
/// 403: the caller is bound to other machines.
pub(super) fn check_acts_for(caller: &Caller, machine: &MachineId) -> Result<(), Refused> {
    if caller.may_act_for(machine) {
        return Ok(());
    }
    let bound = caller.0.machines.as_ref().map(ToString::to_string).unwrap_or_default();
    let why = format!("{} acts for the machines {bound} only, not for {machine}", caller.0.principal);
    Err(Refused::new(403, "forbidden", why))
}

async fn asked(parts: &mut Parts, doors: &Doors) -> Result<(String, Caller), Refused> {
    let Segment(text) = Segment::from_request_parts(parts, doors).await?;
    let Ok(caller) = Caller::from_request_parts(parts, doors).await;
    Ok((text, caller))
}

impl FromRequestParts<Doors> for OwnMachine {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, doors: &Doors) -> Result<OwnMachine, Refused> {
        let (text, caller) = asked(parts, doors).await?;
        let machine = parse_machine_id(&text)?;
        check_acts_for(&caller, &machine)?;
        Ok(OwnMachine(machine))
    }
}

impl FromRequestParts<Doors> for OwnWorker {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, doors: &Doors) -> Result<OwnWorker, Refused> {
        let (text, caller) = asked(parts, doors).await?;
        let worker = parse_worker_id(&text)?;
        if caller.0.machines.is_some()
            && let Some(known) = doors.desk.feed.view().ledger.worker(&worker)
        {
            check_acts_for(&caller, &known.machine)?;
        }
        Ok(OwnWorker(worker))
    }
}

impl FromRequestParts<Doors> for OwnLease {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, doors: &Doors) -> Result<OwnLease, Refused> {
        let (text, caller) = asked(parts, doors).await?;
        // A text that is no lease names none that is held.
        let lease = parse_lease(&text).ok_or(Refusal::LeaseLost)?;
        if caller.0.machines.is_some()
            && let Some(held) = doors.desk.feed.view().ledger.lease(lease)
        {
            check_acts_for(&caller, &held.machine)?;
        }
        Ok(OwnLease(lease))
    }
}
