//! A promise with a deadline.

use crate::{LeaseId, MachineId, SessionId, Timestamp, WorkerId};

/// One worker's right to run one job. Its attempt number is the fencing token: it only grows,
/// and who does not hold the newest lease changes nothing. The deadline is not here: it is
/// heard, not remembered (see `Presence`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lease {
    pub id: LeaseId,
    pub attempt: u32,
    pub worker: WorkerId,
    pub machine: MachineId,
    /// The registration that took it; a later one ends it unless it resumes it.
    pub session: SessionId,
    pub assigned_at: Timestamp,
}
