//! Jobs: submit, look, cancel, retry.

use super::operation::{Operation, Roles, get, post};
use super::parameters::{CLIENT_ID, IDEMPOTENCY_KEY, JOB, JOB_LIST, PREFER, STRICT};
use crate::agent::EmptyBody;
use crate::explain::Explained;
use crate::jobs::{Cancelled, EndedInTime, JobList, OneJob, Submitted, SubmittedAll};

/// A client may for its own jobs, an administrator for all.
const SUBMITTERS: Roles = &["client", "admin"];
/// A client sees its own jobs, the others all.
pub(super) const READERS: Roles = &["client", "monitor", "admin"];

const SUBMITTING: [&str; 5] =
    ["bad_requirement", "job_id_conflict", "idempotency_conflict", "too_many_classes", "store_full"];

pub(super) fn rows() -> Vec<Operation> {
    let submit = post("/api/jobs", "submitJob", "Submit a job.")
        .about(
            "A job id that is submitted again with the same content is the same job: repeat a submission until it is \
             answered. An idempotency key does the same for who chooses no id. White space, the order of fields and \
             ignored fields make no other content. Hanging up never cancels.",
        )
        .for_roles(SUBMITTERS)
        .takes([PREFER, IDEMPOTENCY_KEY, CLIENT_ID])
        .reads_named("Submission", true)
        .gives::<Submitted>(201, "The job was taken in; it is durable.")
        .with_headers(&["Location"])
        .gives_content(
            200,
            "The same job was there already (`duplicate`); or with `Prefer: wait` the job, which has ended.",
            "application/json",
            serde_json::json!({ "anyOf": [
                { "$ref": "#/components/schemas/EndedInTime" },
                { "$ref": "#/components/schemas/Submitted" },
            ] }),
        )
        .with_headers(&["Location", "Preference-Applied"])
        .also::<EndedInTime>()
        .gives::<Submitted>(202, "With `Prefer: wait`: it was taken in and has not ended in time; its state.")
        .with_headers(&["Location", "Preference-Applied"])
        .refuses(SUBMITTING)
        .decides();
    let submit_all = post("/api/jobs:batch", "submitJobs", "Submit up to 1,000 jobs at once.")
        .about("Each stands or falls alone; those that stand are decided together, in order.")
        .for_roles(SUBMITTERS)
        .takes([STRICT, IDEMPOTENCY_KEY, CLIENT_ID])
        .reads_named("Batch", true)
        .gives::<SubmittedAll>(200, "What became of each.")
        .refuses(["store_full"])
        .decides();
    let list = get("/api/jobs", "listJobs", "Jobs alive and ended, newest first.")
        .about("`total` is exact by status and service, else up to 10,000 and then `at_least`.")
        .for_roles(READERS)
        .takes(JOB_LIST)
        .gives::<JobList>(200, "A page of jobs, without payloads and results.");
    let show = get("/api/jobs/{id}", "getJob", "A job with its payload, result and attempts.")
        .for_roles(READERS)
        .takes([JOB])
        .gives::<OneJob>(200, "The job.")
        .refuses(["job_not_found", "store_unavailable"]);
    let explain = get("/api/jobs/{id}/explain", "explainJob", "Why a job waits, and what would help.")
        .about("A client is told counts, and no machine's name.")
        .for_roles(READERS)
        .takes([JOB])
        .gives::<Explained>(200, "Why.")
        .refuses(["job_not_found", "store_unavailable"]);
    let cancel = post("/api/jobs/{id}/cancel", "cancelJob", "End a job, in whatever state it is.")
        .about("A job that was cancelled before is answered the same. Its worker is told to stop.")
        .for_roles(SUBMITTERS)
        .takes([JOB])
        .reads::<EmptyBody>(false)
        .gives::<Cancelled>(200, "It is cancelled.")
        .refuses(["job_not_found", "already_finished"])
        .decides();
    let retry = post("/api/jobs/{id}/retry", "retryJob", "Submit an ended job again, as a new one.")
        .about("Times that have passed are left out. The old job never changes.")
        .for_roles(SUBMITTERS)
        .takes([JOB])
        .reads::<EmptyBody>(false)
        .gives::<Submitted>(201, "The new job, with `retry_of`.")
        .with_headers(&["Location"])
        .refuses(["job_not_found", "not_finished", "payload_gone", "too_many_classes", "store_full"])
        .decides();
    vec![submit, submit_all, list, show, explain, cancel, retry]
}
