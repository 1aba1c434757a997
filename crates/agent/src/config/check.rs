//! From what is written to what holds together.

use super::table::{
    AccessTable, CapabilitiesTable, File, HardwareTable, MachineTable, ServiceTable, WorkerTable, line_of,
};
use super::{CommandConfig, Config, ConfigError, EngineConfig, SimulatedConfig, WorkerConfig};
use crate::limits;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;
use toml::Spanned;
use wire::agent::{CapabilitiesBody, CustomerAccessBody, HardwareBody};
use wire::{IsolationWord, Json};

/// Where a mistake would be.
struct Place<'a> {
    text: &'a str,
    name: &'a str,
}

type Checked<T> = Result<T, ConfigError>;

impl Place<'_> {
    fn at<T>(&self, value: &Spanned<T>, field: &str, why: impl Into<String>) -> ConfigError {
        self.on(Some(line_of(self.text, value.span().start)), field, why)
    }

    fn on(&self, line: Option<usize>, field: &str, why: impl Into<String>) -> ConfigError {
        ConfigError { file: self.name.to_owned(), line, field: field.to_owned(), why: why.into() }
    }

    /// The value, or `default` if there is none.
    fn number<T: PartialOrd + Display + Copy>(
        &self,
        value: Option<Spanned<T>>,
        field: &str,
        range: RangeInclusive<T>,
        default: T,
    ) -> Checked<T> {
        let Some(value) = value else { return Ok(default) };
        let number = *value.get_ref();
        if range.contains(&number) {
            return Ok(number);
        }
        let (min, max) = (range.start(), range.end());
        Err(self.at(&value, field, format!("is {number}; it must be from {min} to {max} (default {default})")))
    }

    /// What a program is started with ends at a zero byte.
    fn text(&self, value: Spanned<String>, field: &str) -> Checked<String> {
        if value.get_ref().contains('\0') {
            return Err(self.at(
                &value,
                field,
                "contains a zero byte (\\u0000), which no program can be given; remove it",
            ));
        }
        Ok(value.into_inner())
    }

    fn id(&self, value: &Spanned<String>, field: &str) -> Checked<()> {
        if client::is_id(value.get_ref()) {
            return Ok(());
        }
        let why = format!(
            "{:?} is no id; an id has 1 to 128 letters, digits and . _ : @ = + ~ -, and begins with a letter or digit",
            value.get_ref()
        );
        Err(self.at(value, field, why))
    }
}

impl Place<'_> {
    /// The id of a worker that is made of another.
    fn derived(&self, id: &str, line: Option<usize>, field: &str) -> Checked<()> {
        if client::is_id(id) {
            return Ok(());
        }
        let why = format!("gives a worker the id {id:?} with {} bytes; an id has at most 128", id.len());
        Err(self.on(line, field, why))
    }

    /// What is finite and not negative; 0 if there is none.
    fn gigabytes(&self, value: Option<Spanned<f64>>, field: &str) -> Checked<f64> {
        match value {
            Some(value) if !value.get_ref().is_finite() || *value.get_ref() < 0.0 => {
                let why = format!("is {}; it must be a number from 0", value.get_ref());
                Err(self.at(&value, field, why))
            }
            value => Ok(value.map(Spanned::into_inner).unwrap_or_default()),
        }
    }
}

pub(super) fn check(file: File, text: &str, name: &str) -> Checked<Config> {
    let place = Place { text, name };
    let mut services = BTreeMap::new();
    for (service, table) in file.services {
        let engine = engine(&place, &service, table)?;
        services.insert(service, engine);
    }
    if services.is_empty() {
        let why = "has no [services.<name>] table, so there is nothing that a worker could do; add one with engine = \"command\"";
        return Err(place.on(None, "services", why));
    }
    let machine_line = file.machine.id.as_ref().map(|id| line_of(text, id.span().start));
    let (machine, labels, drain) = machine(&place, file.machine)?;
    let mut workers = Vec::new();
    if file.workers.is_empty() {
        let (id, services) = (format!("{machine}-0"), services.keys().cloned().collect());
        place.derived(&id, machine_line, "machine.id")?;
        workers.push(WorkerConfig { id, slots: 1, services, capabilities: Default::default() });
    }
    let mut ids = BTreeSet::new();
    for (index, table) in file.workers.into_iter().enumerate() {
        let line = line_of(text, table.span().start);
        for worker in worker(&place, index, table.into_inner(), &machine, workers.len(), &services)? {
            place.derived(&worker.id, Some(line), &format!("workers[{index}].id"))?;
            if !ids.insert(worker.id.clone()) {
                let why = format!("{:?} is the id of two workers; give each its own", worker.id);
                return Err(place.on(Some(line), &format!("workers[{index}].id"), why));
            }
            workers.push(worker);
        }
        if workers.len() > limits::WORKERS_MAX {
            let why = format!("there are {} workers; a machine has at most {}", workers.len(), limits::WORKERS_MAX);
            return Err(place.on(Some(line), &format!("workers[{index}]"), why));
        }
    }
    Ok(Config { machine, labels, drain, workers, services })
}

fn machine(place: &Place<'_>, table: MachineTable) -> Checked<(String, BTreeMap<String, String>, Duration)> {
    let drain_s = place.number(table.drain_s, "machine.drain_s", 0..=limits::CONFIG_SECONDS_MAX, 20)?;
    let id = match table.id {
        Some(id) => {
            place.id(&id, "machine.id")?;
            id.into_inner()
        }
        None => crate::host::id().ok_or_else(|| {
            let why =
                "is not given, and the host has no name that could stand for it; give one, such as id = \"gpu-a1\"";
            place.on(None, "machine.id", why)
        })?,
    };
    let labels = match table.labels {
        None => BTreeMap::new(),
        Some(labels) => {
            let (span, given) = (labels.span(), labels.into_inner());
            wire::jobs::check_labels("machine.labels", given).map_err(|error| {
                let why = error.to_string();
                let why = why.strip_prefix("machine.labels: ").map(str::to_owned).unwrap_or(why);
                place.on(Some(line_of(place.text, span.start)), "machine.labels", why)
            })?
        }
    };
    Ok((id, labels, Duration::from_secs(drain_s)))
}

fn worker(
    place: &Place<'_>,
    index: usize,
    table: WorkerTable,
    machine: &str,
    number: usize,
    known: &BTreeMap<String, EngineConfig>,
) -> Checked<Vec<WorkerConfig>> {
    let field = |name: &str| format!("workers[{index}].{name}");
    let most = u32::try_from(limits::WORKERS_MAX).unwrap_or(u32::MAX);
    let count = place.number(table.count, &field("count"), 1..=most, 1)?;
    let slots = place.number(table.slots, &field("slots"), 1..=limits::SLOTS_MAX, 1)?;
    if let Some(id) = &table.id {
        place.id(id, &field("id"))?;
    }
    let services = match table.services {
        None => known.keys().cloned().collect(),
        Some(services) if services.get_ref().is_empty() => {
            return Err(place.at(
                &services,
                &field("services"),
                "is empty; name at least one, or leave it out for all",
            ));
        }
        Some(services) => {
            let mut seen = BTreeSet::new();
            let mut once = |name: Spanned<String>| {
                if !seen.insert(name.get_ref().clone()) {
                    let why = format!("names {:?} twice; once is enough", name.get_ref());
                    return Err(place.at(&name, &field("services"), why));
                }
                known_service(place, &field("services"), name, known)
            };
            services.into_inner().into_iter().map(&mut once).collect::<Checked<_>>()?
        }
    };
    let id = |n: u32| match &table.id {
        Some(id) if count == 1 => id.get_ref().clone(),
        Some(id) => format!("{}-{n}", id.get_ref()),
        None => format!("{machine}-{}", number + n as usize),
    };
    let capabilities = capabilities(place, &field("capabilities.hardware"), table.capabilities)?;
    let worker =
        |n| WorkerConfig { id: id(n), slots, services: Vec::clone(&services), capabilities: capabilities.clone() };
    Ok((0..count).map(worker).collect())
}

fn capabilities(place: &Place<'_>, field: &str, table: CapabilitiesTable) -> Checked<CapabilitiesBody> {
    let HardwareTable { gpu_count, gpu_memory_gb, gpu_model, cpu_cores, ram_gb } = table.hardware;
    let gpu_memory_gb = place.gigabytes(gpu_memory_gb, &format!("{field}.gpu_memory_gb"))?;
    let ram_gb = place.gigabytes(ram_gb, &format!("{field}.ram_gb"))?;
    let hardware = HardwareBody { gpu_count, gpu_memory_gb, gpu_model, cpu_cores, ram_gb };
    let CapabilitiesTable { models, loaded_models, region, tags, workflow_id, .. } = table;
    let customer_access = table.customer_access.map_or(Ok(CustomerAccessBody::default()), |access| {
        let AccessTable { isolation, allowed_customers, denied_customers } = access.into_inner();
        let isolation = isolation.map_or(Ok(IsolationWord::default()), |word| isolation_of(place, &word))?;
        Ok::<_, ConfigError>(CustomerAccessBody { isolation, allowed_customers, denied_customers })
    })?;
    let custom = table.custom.map(|custom| custom_of(place, &custom)).transpose()?;
    Ok(CapabilitiesBody { hardware, models, loaded_models, customer_access, region, tags, custom, workflow_id })
}

fn isolation_of(place: &Place<'_>, word: &Spanned<String>) -> Checked<IsolationWord> {
    match word.get_ref().as_str() {
        "strict" => Ok(IsolationWord::Strict),
        "loose" => Ok(IsolationWord::Loose),
        "none" => Ok(IsolationWord::None),
        other => {
            let why = format!("is {other:?}; it must be \"strict\", \"loose\" or \"none\"");
            Err(place.at(word, "workers.capabilities.customer_access.isolation", why))
        }
    }
}

/// The table as JSON, which knows no dates.
fn custom_of(place: &Place<'_>, custom: &Spanned<toml::Table>) -> Checked<Json> {
    fn has_a_date(value: &toml::Value) -> bool {
        match value {
            toml::Value::Datetime(_) => true,
            toml::Value::Array(list) => list.iter().any(has_a_date),
            toml::Value::Table(table) => table.values().any(has_a_date),
            _ => false,
        }
    }
    let why = "may hold numbers, texts, truths and lists of them; a date must be written as a text";
    let wrong = || place.at(custom, "workers.capabilities.custom", why);
    match custom.get_ref().values().any(has_a_date) {
        true => Err(wrong()),
        false => serde_json::value::to_raw_value(custom.get_ref()).map_err(|_| wrong()),
    }
}

fn known_service(
    place: &Place<'_>,
    field: &str,
    name: Spanned<String>,
    known: &BTreeMap<String, EngineConfig>,
) -> Checked<String> {
    if known.contains_key(name.get_ref()) {
        return Ok(name.into_inner());
    }
    let others = known.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    let why = format!("names {0:?}, but there is no [services.{0}] table; there are: {others}", name.get_ref());
    Err(place.at(&name, field, why))
}

fn engine(place: &Place<'_>, service: &str, table: Spanned<ServiceTable>) -> Checked<EngineConfig> {
    let line = line_of(place.text, table.span().start);
    let field = |name: &str| format!("services.{service}.{name}");
    if service.is_empty() || service.len() > limits::SERVICE_BYTES_MAX || service.chars().any(char::is_control) {
        let why = format!("a service's name has 1 to {} bytes and no control characters", limits::SERVICE_BYTES_MAX);
        return Err(place.on(Some(line), &format!("services.{service:?}"), why));
    }
    let table = table.into_inner();
    match &table.engine {
        None => Err(place.on(Some(line), &field("engine"), "is required: \"command\" or \"simulated\"")),
        Some(engine) => match engine.get_ref().as_str() {
            "command" => command(place, field, line, table).map(EngineConfig::Command),
            "simulated" => simulated(place, field, table).map(EngineConfig::Simulated),
            other => Err(place.at(
                engine,
                &field("engine"),
                format!("is {other:?}; there are \"command\" and \"simulated\""),
            )),
        },
    }
}

/// A field of another engine is a misunderstanding that nobody would notice.
fn foreign<T>(place: &Place<'_>, value: Option<&Spanned<T>>, field: &str, engine: &str) -> Checked<()> {
    match value {
        None => Ok(()),
        Some(value) => Err(place.at(value, field, format!("means something only with engine = {engine:?}; remove it"))),
    }
}

fn command(
    place: &Place<'_>,
    field: impl Fn(&str) -> String,
    line: usize,
    table: ServiceTable,
) -> Checked<CommandConfig> {
    foreign(place, table.steps.as_ref(), &field("steps"), "simulated")?;
    foreign(place, table.duration_ms.as_ref(), &field("duration_ms"), "simulated")?;
    foreign(place, table.failure_rate.as_ref(), &field("failure_rate"), "simulated")?;
    let Some(program) = table.program else {
        let why = "is required with engine = \"command\": the path of the program, such as \"/usr/local/bin/digest\"";
        return Err(place.on(Some(line), &field("program"), why));
    };
    if program.get_ref().is_empty() {
        return Err(place.at(&program, &field("program"), "is empty; give the path of the program"));
    }
    let program = place.text(program, &field("program"))?;
    let args = table.args.map(Spanned::into_inner).unwrap_or_default().into_iter().enumerate();
    let args = args.map(|(n, arg)| place.text(arg, &field(&format!("args[{n}]")))).collect::<Checked<_>>()?;
    let directory = table.directory.map(|directory| place.text(directory, &field("directory"))).transpose()?;
    let env = table.env.map(Spanned::into_inner).unwrap_or_default();
    let env = env.into_iter().map(|(key, value)| variable(place, &field("env"), key, value)).collect::<Checked<_>>()?;
    let seconds = 1..=limits::CONFIG_SECONDS_MAX;
    let timeout_s = place.number(table.timeout_s, &field("timeout_s"), seconds, 600)?;
    let grace_s = place.number(table.grace_s, &field("grace_s"), 0..=limits::CONFIG_SECONDS_MAX, 5)?;
    let output = 1..=limits::OUTPUT_BYTES_MAX;
    Ok(CommandConfig {
        program: program.into(),
        args,
        job_args: table.job_args.is_some_and(Spanned::into_inner),
        directory: directory.map(Into::into),
        env,
        timeout: Duration::from_secs(timeout_s),
        grace: Duration::from_secs(grace_s),
        output_bytes_max: place.number(
            table.output_bytes_max,
            &field("output_bytes_max"),
            output,
            limits::OUTPUT_BYTES_DEFAULT,
        )?,
    })
}

fn variable(place: &Place<'_>, field: &str, key: String, value: Spanned<String>) -> Checked<(String, String)> {
    if key.is_empty() || key.contains(['=', '\0']) {
        return Err(place.at(&value, field, format!("{key:?} cannot name a variable")));
    }
    let value = place.text(value, &format!("{field}.{key}"))?;
    Ok((key, value))
}

fn simulated(place: &Place<'_>, field: impl Fn(&str) -> String, table: ServiceTable) -> Checked<SimulatedConfig> {
    foreign(place, table.program.as_ref(), &field("program"), "command")?;
    foreign(place, table.args.as_ref(), &field("args"), "command")?;
    foreign(place, table.job_args.as_ref(), &field("job_args"), "command")?;
    foreign(place, table.directory.as_ref(), &field("directory"), "command")?;
    foreign(place, table.env.as_ref(), &field("env"), "command")?;
    foreign(place, table.timeout_s.as_ref(), &field("timeout_s"), "command")?;
    foreign(place, table.grace_s.as_ref(), &field("grace_s"), "command")?;
    foreign(place, table.output_bytes_max.as_ref(), &field("output_bytes_max"), "command")?;
    let duration_ms = 0..=limits::CONFIG_SECONDS_MAX * 1_000;
    Ok(SimulatedConfig {
        steps: place.number(table.steps, &field("steps"), 1..=limits::STEPS_MAX, 10)?,
        duration: Duration::from_millis(place.number(table.duration_ms, &field("duration_ms"), duration_ms, 3_000)?),
        failure_rate: place.number(table.failure_rate, &field("failure_rate"), 0.0..=1.0, 0.0)?,
    })
}
