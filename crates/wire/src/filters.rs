//! What narrows a monitor's subscription beside its topics (`wire.md` §3).

use crate::{Malformed, limits};
use fleet::{JobSpec, MachineId, WorkerId};
use serde::Deserialize;
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// What a `filters` object says. An empty list lets nothing of its kind pass.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FiltersBody {
    pub job_types: Option<BTreeSet<String>>,
    pub worker_ids: Option<BTreeSet<String>>,
    pub machine_ids: Option<BTreeSet<String>>,
    /// The smallest and the largest priority that pass.
    pub priority_range: Option<(u32, u32)>,
    pub customer_ids: Option<BTreeSet<String>>,
    pub workflow_ids: Option<BTreeSet<String>>,
}

/// Which events pass. The default lets everything pass.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Filters(Option<Box<FiltersBody>>);

/// Who an event is about, as far as filters ask.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// The job, if it is an event of one.
    pub spec: Option<&'a JobSpec>,
    /// The workers before and after the event.
    pub workers: &'a [WorkerId],
    pub machines: &'a [MachineId],
}

impl TryFrom<FiltersBody> for Filters {
    type Error = Malformed;

    fn try_from(body: FiltersBody) -> Result<Filters, Malformed> {
        let FiltersBody { job_types, worker_ids, machine_ids, priority_range, customer_ids, workflow_ids } = &body;
        let lists = [
            ("job_types", job_types),
            ("worker_ids", worker_ids),
            ("machine_ids", machine_ids),
            ("customer_ids", customer_ids),
            ("workflow_ids", workflow_ids),
        ];
        for (name, list) in lists {
            let values = list.as_ref().map_or(0, BTreeSet::len);
            if values > limits::FILTER_VALUES_MAX {
                let max = limits::FILTER_VALUES_MAX;
                return Err(Malformed::field(format!("filters.{name}"), format!("has {values} values; at most {max}")));
            }
        }
        if let Some((min, max)) = priority_range
            && min > max
        {
            let why = format!("is [{min}, {max}]; the first must not be larger than the second");
            return Err(Malformed::field("filters.priority_range", why));
        }
        Ok(if body == FiltersBody::default() { Filters(None) } else { Filters(Some(Box::new(body))) })
    }
}

impl Filters {
    /// Everything passes.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.0.is_none()
    }

    /// Whether an event passes. What has no job is not bound by what is asked of jobs, and what
    /// has neither worker nor machine passes only if none is asked for.
    #[must_use]
    pub fn pass(&self, about: About<'_>) -> bool {
        let Some(filters) = self.0.as_deref() else { return true };
        let of_job = about.spec.is_none_or(|spec| {
            within(filters.priority_range, spec.priority)
                && holds(filters.job_types.as_ref(), Some(spec.requirements.service.as_str()))
                && holds(filters.customer_ids.as_ref(), spec.customer.as_ref().map(fleet::CustomerId::as_str))
                && holds(filters.workflow_ids.as_ref(), spec.workflow_id().map(fleet::WorkflowId::as_str))
        });
        of_job
            && holds_any(filters.worker_ids.as_ref(), about.workers.iter().map(WorkerId::as_str))
            && holds_any(filters.machine_ids.as_ref(), about.machines.iter().map(MachineId::as_str))
    }
}

fn within(range: Option<(u32, u32)>, priority: u32) -> bool {
    range.is_none_or(|(min, max)| (min..=max).contains(&priority))
}

fn holds(wanted: Option<&BTreeSet<String>>, value: Option<&str>) -> bool {
    wanted.is_none_or(|wanted| value.is_some_and(|value| wanted.contains(value)))
}

fn holds_any<'a>(wanted: Option<&BTreeSet<String>>, mut values: impl Iterator<Item = &'a str>) -> bool {
    wanted.is_none_or(|wanted| values.any(|value| wanted.contains(value)))
}
