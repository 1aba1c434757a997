//! What comes in over a socket (`wire.md` §6). Fields that are not known are ignored.

use crate::jobs::{self, Submission};
use crate::{EventId, Fields, Filters, FiltersBody, Json, Malformed, Topics, limits};
use fleet::{CustomerId, JobId, Timestamp, WorkflowId};
use serde::Deserialize;

/// A message that asks something, and by what its answer is to be told apart.
#[derive(Debug)]
pub struct Request<T> {
    /// Its `message_id`, else its `id`, as it stood; echoed as `message_id`.
    pub reference: Option<Json>,
    pub asked: Result<T, Refusable>,
}

/// Why a message asks nothing.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusable {
    /// There is no such type.
    UnknownType(String),
    Malformed(Malformed),
}

impl From<Malformed> for Refusable {
    fn from(malformed: Malformed) -> Refusable {
        Refusable::Malformed(malformed)
    }
}

/// What a monitor asks.
#[derive(Debug)]
pub enum MonitorAsks {
    /// What is absent stays as it is.
    Subscribe {
        topics: Option<Topics>,
        filters: Option<Filters>,
    },
    /// The whole state, with this page of the completed jobs.
    FullState {
        page: Page,
    },
    Resync {
        since: Since,
        events_max: usize,
    },
    Heartbeat,
    Ping,
}

/// A page of completed jobs, from 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Page {
    pub page: usize,
    pub page_size: usize,
}

impl Default for Page {
    fn default() -> Page {
        Page { page: 1, page_size: limits::SNAPSHOT_FINISHED_MAX }
    }
}

/// Where a resync begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Since {
    /// After this event.
    Event(EventId),
    /// With the first event at this time or later.
    Time(Timestamp),
}

/// What a client asks.
#[derive(Debug)]
pub enum ClientAsks {
    Submit(Box<Submission>),
    Status {
        job: JobId,
    },
    /// Without a job: all it follows.
    Sync {
        job: Option<JobId>,
    },
    Follow(Followed),
    Unfollow(Followed),
    Cancel {
        job: JobId,
    },
    Ping,
}

/// What a client wants to be told of, or no longer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Followed {
    pub jobs: Vec<JobId>,
    pub workflow: Option<WorkflowId>,
}

/// How a door's clients speak.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Speech {
    /// A submission's fields stand in the message.
    Client,
    /// They stand under `data`.
    Legacy,
}

/// # Errors
/// It is no JSON object.
pub fn monitor(message: &str) -> Request<MonitorAsks> {
    read(message, |kind, fields| {
        Ok(match kind {
            "subscribe" | "subscribe_to_events" => MonitorAsks::Subscribe {
                topics: match fields.take::<Vec<String>>("topics")? {
                    Some(names) => Some(Topics::of_names(names.iter().map(String::as_str))?),
                    None => None,
                },
                filters: fields.take::<FiltersBody>("filters")?.map(Filters::try_from).transpose()?,
            },
            "request_full_state" => MonitorAsks::FullState { page: take_page(fields)? },
            "resync_request" => {
                MonitorAsks::Resync { since: take_since(fields)?, events_max: take_events_max(fields)? }
            }
            "heartbeat" => MonitorAsks::Heartbeat,
            "ping" => MonitorAsks::Ping,
            other => return Err(unknown(other)),
        })
    })
}

/// `minted` is the id of a job that is submitted without one; it is for `customer` if it names none.
pub fn client(
    message: &str,
    speech: Speech,
    (minted, customer): (JobId, Option<&CustomerId>),
    now: Timestamp,
) -> Request<ClientAsks> {
    read(message, |kind, fields| {
        Ok(match kind {
            "submit_job" => ClientAsks::Submit(Box::new(submission(fields, speech, (minted, customer), now)?)),
            "get_job_status" => ClientAsks::Status { job: take_job(fields)? },
            "subscribe_to_events" => ClientAsks::Follow(take_followed(fields)?),
            "subscribe_progress" => ClientAsks::Follow(Followed { jobs: vec![take_job(fields)?], workflow: None }),
            "unsubscribe_from_events" => ClientAsks::Unfollow(take_followed(fields)?),
            "unsubscribe_progress" => ClientAsks::Unfollow(Followed { jobs: vec![take_job(fields)?], workflow: None }),
            "cancel_job" => ClientAsks::Cancel { job: take_job(fields)? },
            "sync_job_state" => ClientAsks::Sync { job: take_id(fields, "job_id", JobId::parse)? },
            "ping" => ClientAsks::Ping,
            other => return Err(unknown(other)),
        })
    })
}

fn read<T>(message: &str, ask: impl FnOnce(&str, &mut Fields) -> Result<T, Refusable>) -> Request<T> {
    let mut fields = match Fields::parse(message.as_bytes()) {
        Ok(fields) => fields,
        Err(malformed) => return Request { reference: None, asked: Err(malformed.into()) },
    };
    let reference = fields.peek_raw("message_id").or_else(|| fields.peek_raw("id"));
    let reference = reference.filter(|raw| raw.get().len() <= limits::REFERENCE_BYTES_MAX);
    let asked = match fields.take::<String>("type") {
        Ok(Some(kind)) => ask(&kind, &mut fields),
        Ok(None) => Err(Malformed::field("type", "is required").into()),
        Err(malformed) => Err(malformed.into()),
    };
    Request { reference, asked }
}

fn unknown(kind: &str) -> Refusable {
    Refusable::UnknownType(crate::words::cut(kind.to_owned(), limits::REFERENCE_BYTES_MAX))
}

/// The message's own id is the job's, so that a repeat is known as one.
fn submission(
    fields: &mut Fields,
    speech: Speech,
    (minted, customer): (JobId, Option<&CustomerId>),
    now: Timestamp,
) -> Result<Submission, Malformed> {
    let named = take_id(fields, "message_id", JobId::parse)?;
    let submitted = match speech {
        Speech::Client => std::mem::take(fields),
        Speech::Legacy => {
            let data = fields.take_raw("data").ok_or_else(|| Malformed::field("data", "is required"))?;
            Fields::parse(data.get().as_bytes())?
        }
    };
    jobs::parse_fields(submitted, customer, named.unwrap_or(minted), now)
}

fn take_id<T>(
    fields: &mut Fields,
    name: &str,
    parse: impl Fn(&str) -> Result<T, fleet::IdError>,
) -> Result<Option<T>, Malformed> {
    let text = fields.take::<String>(name)?;
    text.map(|text| parse(&text)).transpose().map_err(|error| Malformed::field(name, error))
}

fn take_job(fields: &mut Fields) -> Result<JobId, Malformed> {
    take_id(fields, "job_id", JobId::parse)?.ok_or_else(|| Malformed::field("job_id", "is required"))
}

fn take_followed(fields: &mut Fields) -> Result<Followed, Malformed> {
    let mut jobs: Vec<JobId> = take_id(fields, "job_id", JobId::parse)?.into_iter().collect();
    let more = fields.take::<Vec<String>>("job_ids")?.unwrap_or_default();
    let (given, max) = (jobs.len() + more.len(), limits::FILTER_VALUES_MAX);
    if given > max {
        return Err(Malformed::field("job_ids", format!("has {given} values; at most {max} are taken at once")));
    }
    for id in more {
        jobs.push(JobId::parse(&id).map_err(|error| Malformed::field("job_ids", error))?);
    }
    jobs.sort();
    jobs.dedup();
    let workflow = take_id(fields, "workflow_id", WorkflowId::parse)?;
    if jobs.is_empty() && workflow.is_none() {
        return Err(Malformed::field("job_id", "is required, or job_ids, or workflow_id"));
    }
    Ok(Followed { jobs, workflow })
}

fn take_page(fields: &mut Fields) -> Result<Page, Malformed> {
    let page = fields.take::<Page>("finishedJobsPagination")?.unwrap_or_default();
    let (max, past) = (limits::PAGE_MAX, limits::OFFSET_MAX);
    if page.page == 0 || !(1..=max).contains(&page.page_size) {
        let why = format!("is {}/{}; pages count from 1 and hold 1 to {max} jobs", page.page, page.page_size);
        return Err(Malformed::field("finishedJobsPagination", why));
    }
    if (page.page - 1).saturating_mul(page.page_size) > past {
        let why = format!("begins after more than {past} jobs; ask GET /api/jobs with a cursor");
        return Err(Malformed::field("finishedJobsPagination", why));
    }
    Ok(page)
}

fn take_since(fields: &mut Fields) -> Result<Since, Malformed> {
    if let Some(id) = fields.take::<String>("since_event_id")? {
        let parsed = id.parse().map_err(|()| Malformed::field("since_event_id", "is no event id"))?;
        return Ok(Since::Event(parsed));
    }
    let at = fields.take::<i64>("since_timestamp")?;
    let why = || Malformed::field("since_event_id", "is required, or since_timestamp (Unix milliseconds)");
    Ok(Since::Time(Timestamp(at.ok_or_else(why)?)))
}

fn take_events_max(fields: &mut Fields) -> Result<usize, Malformed> {
    let max = limits::RESYNC_EVENTS_MAX;
    match fields.take::<u64>("max_events")? {
        None => Ok(max),
        Some(0) => Err(Malformed::field("max_events", format!("is 0; it must be from 1 to {max}"))),
        // More than the limit asks for what there is.
        Some(asked) => Ok(usize::try_from(asked).unwrap_or(max).min(max)),
    }
}
