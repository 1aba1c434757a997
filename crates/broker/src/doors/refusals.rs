//! What becomes of a refusal beside its answer: it is counted, and logged if somebody tried what they
//! may not. Nothing that the caller wrote is logged, not even the path: leases stand in paths.

use super::Doors;
use super::problem::Refused;
use crate::access::{Caller, Entry};
use axum::response::Response;

/// Who asks, at which door, as far as that is known.
#[derive(Default)]
pub(super) struct Asking {
    pub(super) entry: Option<&'static Entry>,
    pub(super) caller: Option<Caller>,
}

/// Goes with an answer that is a refusal.
#[derive(Clone)]
pub(super) struct Said {
    status: u16,
    code: String,
}

impl Said {
    pub(super) fn of(refused: &Refused) -> Said {
        Said { status: refused.problem().status, code: refused.problem().code.clone() }
    }
}

impl Asking {
    pub(super) fn note(&self, doors: &Doors, answer: &Response) {
        let Some(Said { status, code }) = answer.extensions().get() else { return };
        doors.metrics.refused(code);
        let is_administrative = self.entry.is_some_and(|entry| entry.who.is_administrative());
        if (is_administrative || matches!(status, 401 | 403)) && doors.metrics.may_log() {
            let principal = self.caller.as_ref().map(|caller| caller.0.principal.as_str());
            let (method, door) = self.entry.map(|entry| (entry.method, entry.path)).unzip();
            tracing::info!(principal, method, door, status, code, "refused");
        }
    }
}
