//! What clients follow, in its stored form, and back.

use super::fact::StoredFact;
use super::parts::{Shown, id};
use super::text::Text;
use fleet::{ClientId, ClientKey, Fact, JobId, PrincipalId, WorkflowId};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub(super) struct StoredClient<'a> {
    #[serde(borrow)]
    client: Text<'a>,
    /// Absent: `local`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    principal: Option<Text<'a>>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct StoredFollowing<'a> {
    #[serde(borrow)]
    of: StoredClient<'a>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    jobs: Vec<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    workflow: Option<Text<'a>>,
}

/// With the number of the last event that it has for sure.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredSight<'a>(#[serde(borrow)] StoredClient<'a>, u64);

impl<'a> StoredClient<'a> {
    fn of(key: &'a ClientKey) -> StoredClient<'a> {
        let principal = (key.principal != PrincipalId::default()).then(|| key.principal.as_str().into());
        StoredClient { client: key.client.as_str().into(), principal }
    }

    fn load(self) -> Result<ClientKey, String> {
        let principal = self.principal.map(|text| id(PrincipalId::parse, &text)).transpose()?.unwrap_or_default();
        Ok(ClientKey { principal, client: id(ClientId::parse, &self.client)? })
    }
}

impl<'a> StoredFollowing<'a> {
    fn of(key: &'a ClientKey, jobs: &'a [JobId], workflow: Option<&'a WorkflowId>) -> StoredFollowing<'a> {
        let jobs = jobs.iter().map(|job| job.as_str().into()).collect();
        StoredFollowing { of: StoredClient::of(key), jobs, workflow: workflow.map(|id| id.as_str().into()) }
    }

    fn load(self) -> Result<(ClientKey, Vec<JobId>, Option<WorkflowId>), String> {
        let jobs = self.jobs.iter().map(|text| id(JobId::parse, text)).collect::<Result<_, _>>()?;
        let workflow = self.workflow.map(|text| id(WorkflowId::parse, &text)).transpose()?;
        Ok((self.of.load()?, jobs, workflow))
    }
}

/// The facts about clients.
pub(super) fn store_client<'a>(fact: &'a Fact, shown: &'a Shown) -> StoredFact<'a> {
    match fact {
        Fact::ClientFollows { client, jobs, workflow } => {
            StoredFact::ClientFollows(StoredFollowing::of(client, jobs, workflow.as_ref()))
        }
        Fact::ClientUnfollows { client, jobs, workflow } => {
            StoredFact::ClientUnfollows(StoredFollowing::of(client, jobs, workflow.as_ref()))
        }
        Fact::ClientsSeen { clients } => {
            let seen = clients.iter().map(|(key, confirmed)| StoredSight(StoredClient::of(key), *confirmed));
            StoredFact::ClientsSeen(seen.collect())
        }
        Fact::ClientsForgotten { clients } => {
            StoredFact::ClientsForgotten(clients.iter().map(StoredClient::of).collect())
        }
        _ => StoredFact::of(fact, shown),
    }
}

impl StoredFact<'_> {
    pub(super) fn into_client_fact(self) -> Result<Fact, String> {
        Ok(match self {
            StoredFact::ClientFollows(stored) => {
                let (client, jobs, workflow) = stored.load()?;
                Fact::ClientFollows { client, jobs, workflow }
            }
            StoredFact::ClientUnfollows(stored) => {
                let (client, jobs, workflow) = stored.load()?;
                Fact::ClientUnfollows { client, jobs, workflow }
            }
            StoredFact::ClientsSeen(stored) => {
                let load = |StoredSight(client, confirmed): StoredSight<'_>| Ok((client.load()?, confirmed));
                Fact::ClientsSeen { clients: stored.into_iter().map(load).collect::<Result<_, String>>()? }
            }
            StoredFact::ClientsForgotten(stored) => {
                let clients = stored.into_iter().map(StoredClient::load).collect::<Result<_, _>>()?;
                Fact::ClientsForgotten { clients }
            }
            _ => return Err("a fact stands among those about clients".to_owned()),
        })
    }
}
