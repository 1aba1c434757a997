//! Whose jobs a worker takes.

use super::names::Names;
use crate::matching::takes_customer;
use crate::{Capabilities, CustomerAccess, CustomerId, WorkflowId};
use std::collections::BTreeSet;

/// Stands for a job without a customer.
pub(super) const NOBODY: u32 = u32::MAX;

/// As it is said, and in the numbers that customers and the workflow have at the moment.
#[derive(Clone, Debug)]
pub(super) struct Whose {
    allowed: BTreeSet<CustomerId>,
    denied: BTreeSet<CustomerId>,
    workflow: Option<WorkflowId>,
    /// Those that are allowed and not denied; or, if all are allowed, those that are denied.
    listed: Vec<u32>,
    /// The same, one bit each.
    is_listed: Vec<u64>,
    bound: Option<u32>,
}

/// Numbers follow from names.
impl PartialEq for Whose {
    fn eq(&self, other: &Whose) -> bool {
        (&self.allowed, &self.denied, &self.workflow) == (&other.allowed, &other.denied, &other.workflow)
    }
}

impl Whose {
    pub(super) fn of(worker: &Capabilities, customers: &Names<CustomerId>, workflows: &Names<WorkflowId>) -> Whose {
        let CustomerAccess { allowed, denied, .. } = &worker.access;
        let workflow = worker.workflow.clone();
        let bound = workflow.as_ref().and_then(|workflow| workflows.number(workflow));
        let (allowed, denied) = (allowed.clone(), denied.clone());
        let mut whose = Whose { allowed, denied, workflow, listed: Vec::new(), is_listed: Vec::new(), bound };
        let names = if whose.allowed.is_empty() { &whose.denied } else { &whose.allowed };
        for (number, name) in
            names.iter().filter_map(|name| Some((customers.number(name)?, name.clone()))).collect::<Vec<_>>()
        {
            whose.name_customer(number, Some(&name));
        }
        whose
    }

    /// Everyone's.
    pub(super) fn is_open(&self) -> bool {
        self.allowed.is_empty() && self.denied.is_empty() && self.workflow.is_none()
    }

    pub(super) fn takes(&self, customer: Option<&CustomerId>, workflow: Option<&WorkflowId>) -> bool {
        takes_customer(&self.allowed, &self.denied, customer)
            && self.workflow.as_ref().is_none_or(|bound| workflow == Some(bound))
    }

    /// Whether it takes the jobs of the customer who has this number.
    pub(super) fn takes_number(&self, customer: u32) -> bool {
        if customer == NOBODY {
            return self.allowed.is_empty();
        }
        let (place, bit) = (customer as usize / 64, customer % 64);
        let is_listed = self.is_listed.get(place).is_some_and(|bits| bits >> bit & 1 == 1);
        is_listed != self.allowed.is_empty()
    }

    /// The only customers that it takes, if it does not take all that are not denied.
    pub(super) fn few(&self) -> Option<&[u32]> {
        (!self.allowed.is_empty()).then_some(&self.listed)
    }

    /// Whether it takes the jobs of one workflow only.
    pub(super) fn is_bound(&self) -> bool {
        self.workflow.is_some()
    }

    pub(super) fn is_bound_to(&self, workflow: u32) -> bool {
        self.bound == Some(workflow)
    }

    pub(super) fn bound_number(&self) -> Option<u32> {
        self.bound
    }

    /// From now on this number is that customer's; or nobody's.
    pub(super) fn name_customer(&mut self, number: u32, name: Option<&CustomerId>) {
        let is_listed = name.is_some_and(|name| match self.allowed.is_empty() {
            true => self.denied.contains(name),
            false => self.allowed.contains(name) && !self.denied.contains(name),
        });
        let (place, bit) = (number as usize / 64, number % 64);
        let was_listed = self.is_listed.get(place).is_some_and(|bits| bits >> bit & 1 == 1);
        if is_listed == was_listed {
            return;
        }
        if self.is_listed.len() <= place {
            self.is_listed.resize(place + 1, 0);
        }
        self.is_listed[place] ^= 1 << bit;
        match self.listed.binary_search(&number) {
            Ok(at) => drop(self.listed.remove(at)),
            Err(at) => self.listed.insert(at, number),
        }
    }

    /// From now on this number is that workflow's; or nobody's.
    pub(super) fn name_workflow(&mut self, number: u32, name: Option<&WorkflowId>) {
        if name.is_some() && self.workflow.as_ref() == name {
            self.bound = Some(number);
        } else if self.bound == Some(number) {
            self.bound = None;
        }
    }
}
