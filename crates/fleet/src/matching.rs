//! Whether a kind of worker can run a kind of job. Decided once for each pair, when either
//! appears, and asked again one by one when somebody wants to know why not.

use crate::{Capabilities, CustomerId, Isolation, Need, Requirements, Scalar, Service, Test, Value, WorkflowId};
use std::collections::BTreeSet;

impl Requirements {
    /// Whether such a worker can run such a job, as far as its requirements go; whose job it
    /// is asks [`Capabilities::takes`].
    #[must_use]
    pub fn fits(&self, worker: &Capabilities) -> bool {
        worker.services.contains(&self.service)
            && self.needs.iter().all(|need| need.is_met_by(worker, &self.service))
            && !self.bars.iter().any(|bar| bar.is_met_by(worker, &self.service))
    }
}

impl Need {
    /// Whether the worker declares what is needed for a job of this service.
    #[must_use]
    pub fn is_met_by(&self, worker: &Capabilities, service: &Service) -> bool {
        match self {
            Need::Hardware(part, least) => worker.hardware.has(*part) >= *least,
            Need::GpuModel(models) => worker.hardware.gpu_model.as_ref().is_some_and(|model| models.contains(model)),
            Need::Models(models) => {
                models.is_empty() || worker.models.get(service.as_str()).is_some_and(|known| models.is_subset(known))
            }
            Need::StrictIsolation => worker.access.isolation == Isolation::Strict,
            Need::Region(region) => worker.region.as_ref() == Some(region),
            Need::Tags(tags) => tags.is_subset(&worker.tags),
            Need::Custom { path, tests } => {
                worker.custom.get(path).is_some_and(|value| tests.iter().all(|test| test.passes(value)))
            }
        }
    }
}

impl Test {
    pub(crate) fn passes(&self, value: &Value) -> bool {
        match (self, value) {
            (Test::AtLeast(least), Value::One(Scalar::Number(number))) => number >= least,
            (Test::AtMost(most), Value::One(Scalar::Number(number))) => number <= most,
            (Test::Equals(wanted) | Test::Has(wanted), Value::One(one)) => one == wanted,
            (Test::Has(wanted), Value::List(list)) => list.contains(wanted),
            (Test::ContainsAll(wanted), Value::List(list)) => wanted.is_subset(list),
            (Test::OneOf(wanted), Value::One(one)) => wanted.contains(one),
            (Test::OneOf(wanted), Value::List(list)) => !wanted.is_disjoint(list),
            (Test::AtLeast(_) | Test::AtMost(_) | Test::Equals(_), _) | (Test::ContainsAll(_), Value::One(_)) => false,
        }
    }
}

impl Capabilities {
    /// Whether it runs jobs of this customer and this workflow at all.
    #[must_use]
    pub fn takes(&self, customer: Option<&CustomerId>, workflow: Option<&WorkflowId>) -> bool {
        self.takes_customer(customer) && self.takes_workflow(workflow)
    }

    #[must_use]
    pub fn takes_customer(&self, customer: Option<&CustomerId>) -> bool {
        takes_customer(&self.access.allowed, &self.access.denied, customer)
    }

    #[must_use]
    pub fn takes_workflow(&self, workflow: Option<&WorkflowId>) -> bool {
        self.workflow.as_ref().is_none_or(|bound| workflow == Some(bound))
    }
}

/// `denied` wins; an empty `allowed` is everyone, and anything else is nobody without a name.
pub(crate) fn takes_customer(
    allowed: &BTreeSet<CustomerId>,
    denied: &BTreeSet<CustomerId>,
    customer: Option<&CustomerId>,
) -> bool {
    match customer {
        Some(customer) => (allowed.is_empty() || allowed.contains(customer)) && !denied.contains(customer),
        None => allowed.is_empty(),
    }
}
