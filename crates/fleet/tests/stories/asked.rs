//! What a submission says, in the words of a story.
//!
//! ```text
//! submit j1 for hash priority 80 runs 2 payload x customer acme in workflow f1 key k1
//! submit j1 for hash needs gpu 24 needs models sdxl,flux needs tag fast needs custom a.b 3 not tag spot
//! submit j1 for hash not-before 5s start-by 10s finish-by 1m run-for 5s no-progress 2s
//! submit j1 for hash backoff 1s,2,5m fail-if-unmatched 1m
//! submit j1 for hash in workflow f1 recalling 70,10s     the archive remembers the workflow's rank
//! submit j1 for hash by acme/app                  a client's of a principal
//! submit j1 for hash ; j2 for hash priority 80     two at once
//! submit 100 jobs x for hash                       x1 to x100, one by one
//! ```

use crate::naming::{content, customer, job, owner, service, workflow};
use crate::offered::{number, scalar, text_set};
use crate::stage::Read;
use crate::words::{Words, time};
use fleet::{
    Backoff, Command, JobId, JobSpec, Need, Number, Options, Part, Rank, Requirements, Test, Timestamp, Timing,
    Workflow, limits,
};
use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

pub(crate) fn submissions(mut words: Words) -> Read<Vec<Command>> {
    let first = words.next()?;
    if words.next_if("jobs") {
        let count: u32 = first.parse().map_err(|_| format!("no number of jobs: `{first}`"))?;
        let name = words.next()?;
        let each = (1..=count).map(|n| {
            let (spec, recalled) = specification(job(&format!("{name}{n}"))?, words.clone())?;
            Ok(Command::Submit { spec, recalled })
        });
        return each.collect();
    }
    let mut parts = words.split(";").into_iter();
    let spec = specification(job(&first)?, parts.next().ok_or("a submission is missing")?)?;
    let others = parts.map(|mut words| specification(job(&words.next()?)?, words));
    let others = others.collect::<Read<Vec<_>>>()?;
    Ok(vec![match others.is_empty() {
        true => Command::Submit { spec: spec.0, recalled: spec.1 },
        false => Command::SubmitAll { specs: std::iter::once(spec).chain(others).collect() },
    }])
}

fn specification(id: JobId, mut words: Words) -> Read<(Arc<JobSpec>, Option<Rank>)> {
    let words = &mut words;
    let payload = content(&words.after("payload")?.unwrap_or_default());
    let requirements = Arc::new(requirements(words)?);
    let idempotency_key = words.after("key")?.map(Into::into);
    let mut spec = JobSpec {
        id,
        requirements,
        payload,
        priority: words.number_after("priority")?.unwrap_or(limits::PRIORITY_DEFAULT),
        attempts_max: words.number_after("runs")?.unwrap_or(limits::ATTEMPTS_DEFAULT),
        customer: words.after("customer")?.map(|name| customer(&name)).transpose()?,
        owner: owner(words.after("by")?.as_deref())?,
        options: None,
        digest: [0; 32],
    };
    let (workflow, timing) = (step(words)?, timing(words)?.map(Box::new));
    // What is the same submission: all of it but its names.
    let mut hasher = DefaultHasher::new();
    let JobSpec { requirements, payload, priority, attempts_max, customer, .. } = &spec;
    format!("{requirements:?} {payload:?} {priority} {attempts_max} {customer:?} {workflow:?} {timing:?}")
        .hash(&mut hasher);
    spec.digest[..8].copy_from_slice(&hasher.finish().to_be_bytes());
    spec.options = Options { workflow, timing, idempotency_key, ..Options::default() }.stated();
    let recalled = words.list_after("recalling")?.map(|parts| rank(&parts)).transpose()?;
    words.clone().end()?;
    Ok((Arc::new(spec), recalled))
}

fn step(words: &mut Words) -> Read<Option<Workflow>> {
    words.says("in");
    let id = words.after("workflow")?.map(|name| workflow(&name)).transpose()?;
    let priority = words.number_after("workflow-priority")?;
    let at = words.time_after("workflow-time")?.map(Timestamp);
    let is_step = id.is_some() || priority.is_some() || at.is_some();
    Ok(is_step.then_some(Workflow { id, priority, at, step: None, steps: None }))
}

fn timing(words: &mut Words) -> Read<Option<Timing>> {
    let backoff = words.list_after("backoff")?.map(|parts| backoff(&parts)).transpose()?;
    let timing = Timing {
        not_before: words.time_after("not-before")?.map(Timestamp),
        start_by: words.time_after("start-by")?.map(Timestamp),
        finish_by: words.time_after("finish-by")?.map(Timestamp),
        run_for_ms: words.ms_after("run-for")?,
        no_progress_ms: words.ms_after("no-progress")?,
        fail_if_unmatched_ms: words.ms_after("fail-if-unmatched")?,
        backoff: backoff.unwrap_or_default(),
    };
    Ok((timing != Timing::default()).then_some(timing))
}

fn rank(parts: &[String]) -> Read<Rank> {
    let [priority, at] = parts else { return Err("a rank is called `70,10s`".to_owned()) };
    let priority = priority.parse().map_err(|_| format!("no priority: `{priority}`"))?;
    Ok(Rank { priority, at: time(at).map(Timestamp).ok_or_else(|| format!("no time: `{at}`"))? })
}

fn backoff(parts: &[String]) -> Read<Backoff> {
    let [base, factor, max] = parts else { return Err("a backoff is called `1s,2,5m`".to_owned()) };
    let ms = |text: &str| time(text).and_then(|ms| u64::try_from(ms).ok()).ok_or_else(|| format!("no time: `{text}`"));
    Ok(Backoff { base_ms: ms(base)?, factor: number(factor)?, max_ms: ms(max)? })
}

/// `needs …` and `not …`, as often as they come, and `region eu`.
fn requirements(words: &mut Words) -> Read<Requirements> {
    let name = words.after("for")?.ok_or("a job is `for` a service")?;
    let mut requirements = Requirements::of(service(&name)?);
    while let Some(place) = words.cut("needs") {
        requirements.needs.insert(need(words, place)?);
    }
    while let Some(place) = words.cut("not") {
        requirements.bars.insert(need(words, place)?);
    }
    requirements.needs.extend(words.after("region")?.map(Need::Region));
    Ok(requirements)
}

fn need(words: &mut Words, place: usize) -> Read<Need> {
    let kind = words.take(place)?;
    if kind == "strict" {
        return Ok(Need::StrictIsolation);
    }
    let value = words.take(place)?;
    let part = match kind.as_str() {
        "gpu" => Part::GpuMemoryGb,
        "ram" => Part::RamGb,
        "cpus" => Part::CpuCores,
        "gpus" => Part::GpuCount,
        "gpu-model" => return Ok(Need::GpuModel(text_set(&value))),
        "models" => return Ok(Need::Models(text_set(&value))),
        "tag" | "tags" => return Ok(Need::Tags(text_set(&value))),
        "region" => return Ok(Need::Region(value)),
        "custom" => return Ok(Need::Custom { path: value, tests: tests(&words.take(place)?)? }),
        other => return Err(format!("a job cannot need `{other}`")),
    };
    Ok(Need::Hardware(part, number(&value)?))
}

/// `3` at least, `<=3` at most, `fast` that or a list with it, `=fast` that and no list,
/// `all:a|b` a list with all, `one:a|b` one of them; several with `&`.
fn tests(text: &str) -> Read<BTreeSet<Test>> {
    let test = |text: &str| {
        if let Some(most) = text.strip_prefix("<=") {
            return number(most).map(Test::AtMost);
        }
        if let Some(list) = text.strip_prefix("all:") {
            return Ok(Test::ContainsAll(list.split('|').map(scalar).collect()));
        }
        if let Some(list) = text.strip_prefix("one:") {
            return Ok(Test::OneOf(list.split('|').map(scalar).collect()));
        }
        match (text.strip_prefix('='), text.parse().ok().and_then(Number::new)) {
            (Some(value), _) => Ok(Test::Equals(scalar(value))),
            (None, Some(least)) => Ok(Test::AtLeast(least)),
            (None, None) => Ok(Test::Has(scalar(text))),
        }
    };
    text.split('&').map(test).collect()
}
