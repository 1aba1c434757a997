//! What records say again and again is read once and shared.

use super::parts::id;
use crate::requirements;
use fleet::limits::ID_BYTES_MAX;
use fleet::{ClientId, CustomerId, IdError, MachineId, Missing, Owner, PrincipalId, Requirements, Service, WorkerId};
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::sync::Arc;

/// So many texts of a kind are known; then all of them are forgotten.
const KNOWN_MAX: usize = 20_000;
/// Bytes of requirements that are known by their text. Longer ones are read each time.
const RAW_BYTES_MAX: usize = 4_096;

/// By text.
struct Known<T>(HashMap<Box<str>, T>);

impl<T> Default for Known<T> {
    fn default() -> Known<T> {
        Known(HashMap::new())
    }
}

impl<T: Clone> Known<T> {
    fn get(&mut self, text: &str, read: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
        if let Some(known) = self.0.get(text) {
            return Ok(known.clone());
        }
        let new = read()?;
        if self.0.len() == KNOWN_MAX {
            self.0.clear();
        }
        self.0.insert(text.into(), new.clone());
        Ok(new)
    }
}

/// What a [`Decoder`](super::Decoder) has read.
#[derive(Default)]
pub(super) struct Knowledge {
    /// By what they are said in, for each service.
    requirements: HashMap<Service, Known<Arc<Requirements>>>,
    services: Known<Service>,
    customers: Known<CustomerId>,
    /// By principal and client, with a space between; a missing one is empty.
    owners: Known<Arc<Owner>>,
    workers: Known<WorkerId>,
    machines: Known<MachineId>,
    missing: Known<Missing>,
}

fn known<T: Clone>(known: &mut Known<T>, text: &str, parse: impl Fn(&str) -> Result<T, IdError>) -> Result<T, String> {
    match text.len() <= ID_BYTES_MAX {
        true => known.get(text, || id(&parse, text)),
        false => id(&parse, text),
    }
}

impl Knowledge {
    pub(super) fn service(&mut self, text: &str) -> Result<Service, String> {
        known(&mut self.services, text, Service::parse)
    }

    pub(super) fn customer(&mut self, text: &str) -> Result<CustomerId, String> {
        known(&mut self.customers, text, CustomerId::parse)
    }

    pub(super) fn owner(&mut self, principal: Option<&str>, client: Option<&str>) -> Result<Arc<Owner>, String> {
        let said = format!("{} {}", principal.unwrap_or_default(), client.unwrap_or_default());
        self.owners.get(&said, || {
            let principal = principal.map(|text| id(PrincipalId::parse, text)).transpose()?.unwrap_or_default();
            let client = client.map(|text| id(ClientId::parse, text)).transpose()?;
            Ok(Arc::new(Owner { principal, client }))
        })
    }

    pub(super) fn worker(&mut self, text: &str) -> Result<WorkerId, String> {
        known(&mut self.workers, text, WorkerId::parse)
    }

    pub(super) fn machine(&mut self, text: &str) -> Result<MachineId, String> {
        known(&mut self.machines, text, MachineId::parse)
    }

    pub(super) fn missing(&mut self, words: &super::text::Words<'_>) -> Result<Missing, String> {
        let read = || words.read().map(Missing::from);
        match words.raw() {
            Some(raw) => self.missing.get(raw, read),
            None => read(),
        }
    }

    pub(super) fn requirements(&mut self, raw: Option<&RawValue>, service: &str) -> Result<Arc<Requirements>, String> {
        let service = self.service(service)?;
        let read = || {
            let asked = requirements::parse(raw, service.clone()).map_err(|error| error.to_string())?;
            Ok(Arc::new(asked.requirements))
        };
        let said = raw.map_or("", RawValue::get);
        if said.len() > RAW_BYTES_MAX {
            return read();
        }
        if let Some(known) = self.requirements.get_mut(&service) {
            return known.get(said, read);
        }
        if self.requirements.len() == KNOWN_MAX {
            self.requirements.clear();
        }
        let mut known = Known::default();
        let requirements = known.get(said, read)?;
        self.requirements.insert(service, known);
        Ok(requirements)
    }
}
