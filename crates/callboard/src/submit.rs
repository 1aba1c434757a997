//! `callboard submit`.

use crate::args::Submit;
use crate::say::{note, say};
use crate::watch;
use anyhow::Context;
use client::NewJob;
use serde_json::value::RawValue;
use std::io::Read;
use std::process::ExitCode;

pub(crate) async fn run(args: Submit) -> anyhow::Result<ExitCode> {
    let broker = args.broker.client()?.on_outage(watch::tell_outage);
    let mut job = NewJob::new(args.service, payload(&args.payload)?);
    if let Some(requirements) = args.requirements {
        let hint = "the requirements are not JSON; they look like '{\"hardware\":{\"gpu_memory_gb\":24}}'";
        job = job.requirements(serde_json::from_str(&requirements).context(hint)?);
    }
    if let Some(priority) = args.priority {
        job = job.priority(priority);
    }
    if let Some(id) = args.job_id {
        job = job.id(id);
    }
    let submitted = broker.submit(&job).await.with_context(|| format!("{} did not take the job", broker.url()))?;
    if args.watch {
        note(&format!("job {}", submitted.job_id));
        return watch::one(&broker, &submitted.job_id).await;
    }
    say(&submitted.job_id)?;
    Ok(ExitCode::SUCCESS)
}

/// JSON as it is, `@file`, or `-` for standard input.
fn payload(given: &str) -> anyhow::Result<Box<RawValue>> {
    let text = match (given, given.strip_prefix('@')) {
        ("-", _) => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).context("standard input cannot be read")?;
            text
        }
        (_, Some(file)) => std::fs::read_to_string(file).with_context(|| format!("{file} cannot be read"))?,
        _ => given.to_owned(),
    };
    // As it is written: numbers keep their digits, keys their order.
    serde_json::from_str(text.trim()).with_context(|| "the payload is not JSON; strings need their quotes")
}
