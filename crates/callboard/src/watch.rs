//! `callboard watch`.

use crate::args::Watch;
use crate::say::{note, say};
use client::{Client, ClientError, Message};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::process::ExitCode;

pub(crate) async fn run(args: Watch) -> anyhow::Result<ExitCode> {
    let broker = args.broker.client()?.on_outage(tell_outage);
    match args.job {
        Some(job) => one(&broker, &job).await,
        None => everything(&broker).await,
    }
}

/// Every message as it comes, one a line.
async fn everything(broker: &Client) -> anyhow::Result<ExitCode> {
    let mut messages = broker.watch_all();
    while let Some(message) = messages.next().await {
        say(&message?.text)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// One job to its end: what happens on standard error, its result on standard output.
pub(crate) async fn one(broker: &Client, job: &str) -> anyhow::Result<ExitCode> {
    let mut messages = broker.watch_job(job)?;
    let mut code = ExitCode::FAILURE;
    while let Some(message) = messages.next().await {
        let message = message?;
        if message.kind == "complete_job" {
            code = end(&message)?;
        } else if let Some(line) = line(&message) {
            note(&line);
        }
    }
    Ok(code)
}

#[derive(Deserialize)]
struct Complete {
    result: Ended,
}

#[derive(Deserialize)]
struct Ended {
    status: String,
    data: Option<Box<RawValue>>,
    error: Option<String>,
}

fn end(message: &Message) -> anyhow::Result<ExitCode> {
    let Ended { status, data, error } = serde_json::from_str::<Complete>(&message.text)?.result;
    if status == "success" {
        say(data.as_deref().map_or("null", RawValue::get))?;
        return Ok(ExitCode::SUCCESS);
    }
    note(&format!("failed: {}", error.as_deref().unwrap_or("for no stated reason")));
    Ok(ExitCode::FAILURE)
}

pub(crate) fn tell_outage(error: &ClientError) {
    note(&format!("{error}; tries again"));
}

/// A message in words; `None` for what says nothing about the job.
fn line(message: &Message) -> Option<String> {
    let body = &message.body;
    let text = |field: &str| body[field].as_str().unwrap_or_default().to_owned();
    Some(match message.kind.as_str() {
        "job_accepted" => "waiting".to_owned(),
        "job_assigned" => format!("given to {}", text("worker_id")),
        "job_status_changed" if body["new_status"] == "in_progress" => "started".to_owned(),
        "job_status_changed" => format!("back in the queue ({})", text("reason")),
        "update_job_progress" => {
            let percent = body["progress"].as_f64().unwrap_or_default() * 100.0;
            format!("{percent:3.0} % {}", text("message"))
        }
        "upstream" => format!("the broker's store is {}", text("upstream")),
        _ => return None,
    })
}
