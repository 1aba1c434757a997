//! Clients, in the words of a story.
//!
//! ```text
//! client acme/app follows j1,j2 workflow f1       and `unfollows`
//! seen acme/app:17,acme/other:0                   who is there, and what each has
//! who follows j1      what follows acme/app       number of j1
//! ```

use crate::naming::{client, job, workflow};
use crate::stage::Read;
use crate::telling::time;
use crate::words::Words;
use fleet::{ClientKey, Command, Fact, JobId, Ledger, WorkflowId};

pub(crate) fn of_client(words: &mut Words) -> Read<Command> {
    let client = client(&words.next()?)?;
    let verb = words.next()?;
    let workflow = words.after("workflow")?.map(|name| workflow(&name)).transpose()?;
    let jobs = match words.clone().next() {
        Ok(_) => words.next()?.split(',').map(job).collect::<Read<_>>()?,
        Err(_) => Vec::new(),
    };
    match verb.as_str() {
        "follows" => Ok(Command::Follow { client, jobs, workflow }),
        "unfollows" => Ok(Command::Unfollow { client, jobs, workflow }),
        other => Err(format!("a client does not know how to `{other}`")),
    }
}

pub(crate) fn seen(words: &mut Words) -> Read<Command> {
    let one = |text: &str| -> Read<(ClientKey, u64)> {
        let (key, confirmed) = text.split_once(':').ok_or("who is seen is called `acme/app:17`")?;
        Ok((client(key)?, confirmed.parse().map_err(|_| format!("no number: `{confirmed}`"))?))
    };
    Ok(Command::ClientsSeen { clients: words.next()?.split(',').map(one).collect::<Read<_>>()? })
}

pub(crate) fn look(ledger: &Ledger, words: &mut Words) -> Read<Option<Vec<String>>> {
    if words.next_if("who") {
        words.expect("follows")?;
        let job = ledger.job(&job(&words.next()?)?);
        let followers: Vec<ClientKey> = job.into_iter().flat_map(|job| ledger.followers(job)).collect();
        return Ok(Some(vec![names(&followers)]));
    }
    if words.next_if("number") {
        words.expect("of")?;
        let job = ledger.job(&job(&words.next()?)?);
        return Ok(Some(vec![job.map_or("unknown".to_owned(), |job| job.told.to_string())]));
    }
    if words.next_if("what") {
        words.expect("follows")?;
        let Some(known) = ledger.client(&client(&words.next()?)?) else { return Ok(Some(vec!["unknown".to_owned()])) };
        let jobs = known.jobs.iter().map(|(job, ended)| match ended {
            Some(at) => format!("{job} that ended at {}", time(*at)),
            None => job.to_string(),
        });
        let jobs: Vec<String> = jobs.collect();
        let workflows: Vec<String> = known.workflows.iter().map(ToString::to_string).collect();
        let muted: Vec<String> = known.muted.iter().map(ToString::to_string).collect();
        let (jobs, workflows, muted) = (list(&jobs), list(&workflows), list(&muted));
        let seen = format!("seen at {} with {}", time(known.seen_at), known.confirmed);
        return Ok(Some(vec![format!("jobs {jobs}; workflows {workflows}; muted {muted}; {seen}")]));
    }
    Ok(None)
}

pub(crate) fn fact(fact: &Fact) -> String {
    match fact {
        Fact::ClientFollows { client, jobs, workflow } => following(client, "follows", jobs, workflow.as_ref()),
        Fact::ClientUnfollows { client, jobs, workflow } => following(client, "unfollows", jobs, workflow.as_ref()),
        Fact::ClientsSeen { clients } => {
            let seen = clients.iter().map(|(client, confirmed)| format!("{} with {confirmed}", name(client)));
            format!("seen: {}", list(&seen.collect::<Vec<_>>()))
        }
        Fact::ClientsForgotten { clients } => format!("forgotten: {}", names(clients)),
        fact => format!("{fact:?}"),
    }
}

fn following(client: &ClientKey, verb: &str, jobs: &[JobId], of: Option<&WorkflowId>) -> String {
    let workflow = of.map_or_else(String::new, |workflow| format!(" workflow {workflow}"));
    let jobs: Vec<&str> = jobs.iter().map(JobId::as_str).collect();
    let jobs = if jobs.is_empty() { String::new() } else { format!(" {}", jobs.join(", ")) };
    format!("{} {verb}{jobs}{workflow}", name(client))
}

fn name(client: &ClientKey) -> String {
    format!("{}/{}", client.principal, client.client)
}

fn names(clients: &[ClientKey]) -> String {
    list(&clients.iter().map(name).collect::<Vec<_>>())
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
