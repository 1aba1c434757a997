//! Whose jobs are known: an owner's jobs share one copy of it, and those that have not ended are
//! counted. Derived from the jobs.

use crate::Owner;
use std::collections::HashMap;
use std::sync::Arc;

#[derive(Clone, Debug, Default)]
pub(super) struct Owners(HashMap<Arc<Owner>, Jobs>);

#[derive(Clone, Copy, Debug, Default)]
struct Jobs {
    known: usize,
    live: usize,
}

impl Owners {
    /// The copy that its jobs share.
    pub(super) fn known(&self, owner: &Owner) -> Option<Arc<Owner>> {
        self.0.get_key_value(owner).map(|(known, _)| Arc::clone(known))
    }

    /// How many of its jobs have not ended.
    pub(super) fn live(&self, owner: &Owner) -> usize {
        self.0.get(owner).map_or(0, |jobs| jobs.live)
    }

    pub(super) fn job_began(&mut self, owner: &Arc<Owner>) {
        let jobs = self.0.entry(Arc::clone(owner)).or_default();
        jobs.known += 1;
        jobs.live += 1;
    }

    pub(super) fn job_ended(&mut self, owner: &Owner) {
        if let Some(jobs) = self.0.get_mut(owner) {
            jobs.live -= 1;
        }
    }

    pub(super) fn job_forgotten(&mut self, owner: &Owner) {
        let Some(jobs) = self.0.get_mut(owner) else { return };
        jobs.known -= 1;
        if jobs.known == 0 {
            self.0.remove(owner);
        }
    }
}
