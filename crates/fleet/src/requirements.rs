//! What a job needs of the worker that runs it, as a closed type.

use crate::Service;

/// Jobs with equal requirements share a class, so it is compared and hashed as a whole.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Requirements {
    pub service: Service,
}
