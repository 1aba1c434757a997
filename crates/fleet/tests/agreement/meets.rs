//! What a worker has, compared with what is needed (`wire.md` §8b), without anything of the
//! code that is judged but its plain data.

use fleet::{Capabilities, Isolation, Need, Part, Requirements, Scalar, Service, Test, Value};

pub(crate) fn amount(has: &Capabilities, part: Part) -> f64 {
    match part {
        Part::GpuMemoryGb => has.hardware.gpu_memory_gb.get(),
        Part::RamGb => has.hardware.ram_gb.get(),
        Part::CpuCores => f64::from(has.hardware.cpu_cores),
        Part::GpuCount => f64::from(has.hardware.gpu_count),
    }
}

pub(crate) fn meets(need: &Need, has: &Capabilities, service: &Service) -> bool {
    match need {
        Need::Hardware(part, least) => amount(has, *part) >= least.get(),
        Need::GpuModel(any) => any.iter().any(|model| has.hardware.gpu_model.as_deref() == Some(model)),
        Need::Models(all) => {
            let known: Vec<&String> =
                has.models.iter().filter(|(of, _)| *of == service.as_str()).flat_map(|(_, models)| models).collect();
            all.iter().all(|model| known.contains(&model))
        }
        Need::StrictIsolation => matches!(has.access.isolation, Isolation::Strict),
        Need::Region(region) => has.region.as_deref() == Some(region),
        Need::Tags(all) => all.iter().all(|tag| has.tags.iter().any(|has| has == tag)),
        Need::Custom { path, tests } => match has.custom.iter().find(|(declared, _)| *declared == path) {
            Some((_, value)) => tests.iter().all(|test| passes(test, value)),
            None => false,
        },
    }
}

fn passes(test: &Test, value: &Value) -> bool {
    let (one, list): (Option<&Scalar>, Vec<&Scalar>) = match value {
        Value::One(one) => (Some(one), vec![]),
        Value::List(list) => (None, list.iter().collect()),
    };
    let number = one.and_then(|one| if let Scalar::Number(number) = one { Some(number.get()) } else { None });
    match test {
        Test::AtLeast(least) => number.is_some_and(|number| number >= least.get()),
        Test::AtMost(most) => number.is_some_and(|number| number <= most.get()),
        Test::Equals(wanted) => one == Some(wanted),
        Test::Has(wanted) => one == Some(wanted) || list.contains(&wanted),
        Test::ContainsAll(all) => one.is_none() && all.iter().all(|wanted| list.contains(&wanted)),
        Test::OneOf(any) => any.iter().any(|wanted| one == Some(wanted) || list.contains(&wanted)),
    }
}

pub(crate) fn fits(requirements: &Requirements, has: &Capabilities) -> bool {
    has.services.contains(&requirements.service)
        && requirements.needs.iter().all(|need| meets(need, has, &requirements.service))
        && !requirements.bars.iter().any(|bar| meets(bar, has, &requirements.service))
}
