//! Workers of equal capabilities.

use super::GroupId;
use crate::{Capabilities, WorkerId};
use std::collections::BTreeSet;
use std::sync::Arc;

#[derive(Clone, Debug)]
pub(super) struct Profile {
    pub(super) capabilities: Arc<Capabilities>,
    pub(super) workers: BTreeSet<WorkerId>,
    pub(super) group: GroupId,
}
