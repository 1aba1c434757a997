//! What is called by a name.

use crate::stage::Read;
use fleet::{Content, CustomerId, JobId, MachineId, Service, WorkerId, WorkflowId};

/// Stands for bytes; which ones does not matter, only whether they are the same.
pub(crate) fn content(text: &str) -> Content {
    let mut hash = [0; 32];
    text.bytes().zip(&mut hash).for_each(|(byte, place)| *place = byte);
    Content { hash, bytes: text.len() as u64 }
}

pub(crate) fn job(text: &str) -> Read<JobId> {
    JobId::parse(text).map_err(|error| format!("job `{text}` {error}"))
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
