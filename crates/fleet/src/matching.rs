//! Whether a kind of worker can run a kind of job. Decided once for each pair, when either
//! appears.

use crate::{Capabilities, Requirements, Service};
use std::collections::BTreeSet;

/// What matching looks at, of all that a worker can do. Workers with equal offers share a
/// profile.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Offer {
    services: BTreeSet<Service>,
}

impl Offer {
    pub(crate) fn of(capabilities: &Capabilities) -> Offer {
        Offer { services: capabilities.services.clone() }
    }

    pub(crate) fn fits(&self, requirements: &Requirements) -> bool {
        self.services.contains(&requirements.service)
    }
}
