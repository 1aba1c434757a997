//! Client programs, and which jobs they want to be told of.

use crate::{ClientId, JobId, JobSpec, Owner, PrincipalId, Timestamp, WorkflowId};
use std::collections::{BTreeMap, BTreeSet};

/// Which client: its name belongs to its principal, so nobody can take another's.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ClientKey {
    pub principal: PrincipalId,
    pub client: ClientId,
}

/// What a client follows beside the jobs that it submitted, and how far it has heard.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Client {
    /// Jobs that it subscribed to one by one, but for its own; once they have ended, when.
    pub jobs: BTreeMap<JobId, Option<Timestamp>>,
    pub workflows: BTreeSet<WorkflowId>,
    /// Its own jobs that it unsubscribed from.
    pub muted: BTreeSet<JobId>,
    /// The number of the last event that it has for sure.
    pub confirmed: u64,
    pub seen_at: Timestamp,
    /// Those of `jobs` that have ended, by their ends.
    pub(crate) ended: BTreeSet<(Timestamp, JobId)>,
}

impl ClientKey {
    /// The client that a job of this owner was submitted by, if it was by one.
    #[must_use]
    pub fn of(owner: &Owner) -> Option<ClientKey> {
        let client = owner.client.clone()?;
        Some(ClientKey { principal: owner.principal.clone(), client })
    }

    /// Whether it submitted the jobs of this owner.
    #[must_use]
    pub fn is(&self, owner: &Owner) -> bool {
        owner.client.as_ref() == Some(&self.client) && owner.principal == self.principal
    }

    /// Whether it is told of a job that was asked for like this, as far as `client` is what is known
    /// of it.
    #[must_use]
    pub fn is_told_of(&self, spec: &JobSpec, client: Option<&Client>) -> bool {
        if self.is(&spec.owner) {
            return client.is_none_or(|client| !client.muted.contains(&spec.id));
        }
        let follows = |workflow| client.is_some_and(|client| client.workflows.contains(workflow));
        client.is_some_and(|client| client.jobs.contains_key(&spec.id))
            || spec.owner.principal == self.principal && spec.workflow_id().is_some_and(follows)
    }
}

impl Client {
    /// How many of the jobs that it subscribed to have not ended.
    pub(crate) fn live(&self) -> usize {
        self.jobs.len() - self.ended.len()
    }
}
