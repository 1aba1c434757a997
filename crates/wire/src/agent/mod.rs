//! What workers and machines say, and what they are told (`wire.md` §9).

mod capabilities;
mod leases;
mod machines;
mod workers;

pub(crate) use capabilities::show_custom;
pub use capabilities::{CapabilitiesBody, CustomerAccessBody, HardwareBody};
pub use leases::{FailAnswer, FailBody, FailureBody, FinishAnswer, FinishBody, ProgressBody, ReleaseBody};
pub use machines::{HeartbeatBody, HostInfo, JoinMachineBody, MachineJoined, ServiceWord, WorkerSays};
pub use workers::{Assignment, JoinWorkerBody, LeaseView, NextBody, WorkerJoined};

use crate::{Malformed, limits, words};
use fleet::{LeaseId, SessionId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What the caller should do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Orders {
    /// Leases that are no longer held: stop their work.
    pub cancel: Vec<String>,
    /// Finish what runs and take nothing new.
    pub drain: bool,
}

impl From<&fleet::Orders> for Orders {
    fn from(orders: &fleet::Orders) -> Orders {
        Orders { cancel: orders.cancel.iter().copied().map(lease_text).collect(), drain: orders.drain }
    }
}

/// The answer to a call that may carry orders.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Done {
    pub success: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orders: Option<Orders>,
    /// The event of this decision; absent if nothing happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
}

/// A body without fields.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmptyBody {}

/// 32 hex digits.
#[must_use]
pub fn lease_text(lease: LeaseId) -> String {
    format!("{:032x}", lease.0)
}

/// The lease that a text names; `None` if it is no such text.
#[must_use]
pub fn parse_lease(text: &str) -> Option<LeaseId> {
    words::unhex::<16>(text).map(|bytes| LeaseId(u128::from_be_bytes(bytes)))
}

fn parse_leases(field: &str, texts: &[String]) -> Result<Vec<LeaseId>, Malformed> {
    if texts.len() > limits::LEASES_NAMED_MAX {
        let why = format!("names {} leases; at most {} are allowed", texts.len(), limits::LEASES_NAMED_MAX);
        return Err(Malformed::field(field, why));
    }
    let lease = |text: &String| parse_lease(text).ok_or_else(|| Malformed::field(field, "a lease is 32 hex digits"));
    texts.iter().map(lease).collect()
}

/// 16 hex digits.
#[must_use]
pub fn session_text(session: SessionId) -> String {
    format!("{:016x}", session.0)
}

/// The session that a text names; `None` if it is no such text.
#[must_use]
pub fn parse_session(text: &str) -> Option<SessionId> {
    words::unhex::<8>(text).map(|bytes| SessionId(u64::from_be_bytes(bytes)))
}

pub(super) fn check_name<'a>(field: &str, names: impl IntoIterator<Item = &'a String>) -> Result<(), Malformed> {
    match names.into_iter().find(|name| name.len() > limits::NAME_BYTES_MAX) {
        Some(name) => {
            let why = format!("is {} bytes long; at most {} are allowed", name.len(), limits::NAME_BYTES_MAX);
            Err(Malformed::field(field, why))
        }
        None => Ok(()),
    }
}

pub(super) fn check_count(field: &str, count: usize, max: usize) -> Result<(), Malformed> {
    match count > max {
        true => Err(Malformed::field(field, format!("has {count} entries; at most {max} are allowed"))),
        false => Ok(()),
    }
}
