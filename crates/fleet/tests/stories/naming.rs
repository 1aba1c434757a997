//! What is called by a name.

use crate::stage::Read;
use fleet::{
    ClientId, ClientKey, Content, CustomerId, JobId, MachineId, Owner, PrincipalId, Service, WorkerId, WorkflowId,
};
use std::sync::Arc;

/// Stands for bytes; which ones does not matter, only whether they are the same.
pub(crate) fn content(text: &str) -> Content {
    let mut hash = [0; 32];
    text.bytes().zip(&mut hash).for_each(|(byte, place)| *place = byte);
    Content { hash, bytes: text.len() as u64 }
}

pub(crate) fn job(text: &str) -> Read<JobId> {
    JobId::parse(text).map_err(|error| format!("job `{text}` {error}"))
}

/// `acme/app` is a client of the principal `acme`, which is called by `acme` alone.
pub(crate) fn owner(text: Option<&str>) -> Read<Arc<Owner>> {
    let Some(text) = text else { return Ok(Arc::default()) };
    let (principal, client) = text.split_once('/').map_or((text, None), |(of, client)| (of, Some(client)));
    let no_name = |error| format!("owner `{text}` {error}");
    let client = client.map(|client| ClientId::parse(client).map_err(no_name)).transpose()?;
    Ok(Arc::new(Owner { principal: PrincipalId::parse(principal).map_err(no_name)?, client }))
}

pub(crate) fn client(text: &str) -> Read<ClientKey> {
    ClientKey::of(&*owner(Some(text))?).ok_or_else(|| format!("a client is called `acme/app`, not `{text}`"))
}

pub(crate) fn worker(text: &str) -> Read<WorkerId> {
    WorkerId::parse(text).map_err(|error| format!("worker `{text}` {error}"))
}

pub(crate) fn machine(text: &str) -> Read<MachineId> {
    MachineId::parse(text).map_err(|error| format!("machine `{text}` {error}"))
}

pub(crate) fn service(text: &str) -> Read<Service> {
    Service::parse(text).map_err(|error| format!("service `{text}` {error}"))
}

pub(crate) fn customer(text: &str) -> Read<CustomerId> {
    CustomerId::parse(text).map_err(|error| format!("customer `{text}` {error}"))
}

pub(crate) fn workflow(text: &str) -> Read<WorkflowId> {
    WorkflowId::parse(text).map_err(|error| format!("workflow `{text}` {error}"))
}
