//! The typed calls (`wire.md` §8 and §9). None is repeated here.

use crate::ClientError;
use crate::http::{Client, id_part};
use reqwest::Method;
use serde::Serialize;
use wire::Json;
use wire::agent::{
    Assignment, Done, EmptyBody, FailAnswer, FailBody, FinishAnswer, FinishBody, HeartbeatBody, JoinMachineBody,
    JoinWorkerBody, MachineJoined, NextBody, Orders, ProgressBody, ReleaseBody, WorkerJoined,
};
use wire::explain::Explained;
use wire::jobs::{Cancelled, JobView, OneJob, Submitted, SubmittedAll};

const SESSION: &str = "x-worker-session";

/// What a machine says.
impl Client {
    /// The machine is known from now on; joining again is the same machine.
    ///
    /// # Errors
    /// See [`ClientError`]; may be repeated.
    pub async fn join_machine(&self, machine: &str, body: &JoinMachineBody) -> Result<MachineJoined, ClientError> {
        let path = format!("api/machines/{}", id_part("machine", machine)?);
        self.call(&Method::PUT, &path)?.body(body)?.answer().await
    }

    /// Renews the leases that it names and no others. Answers what to stop.
    ///
    /// # Errors
    /// `unknown_machine`: join again. May be repeated.
    pub async fn heartbeat(&self, machine: &str, body: &HeartbeatBody) -> Result<Orders, ClientError> {
        let path = format!("api/machines/{}/heartbeat", id_part("machine", machine)?);
        orders(self.call(&Method::POST, &path)?.body(body)?.ask().await?)
    }

    /// Waits up to `wait_ms` for an order; none gives empty ones.
    ///
    /// # Errors
    /// `unknown_machine`: join again. May be repeated.
    pub async fn take_orders(&self, machine: &str, wait_ms: u64) -> Result<Orders, ClientError> {
        let wait_ms = wait_ms.min(wire::limits::WAIT_MS_MAX);
        let path = format!("api/machines/{}/orders?wait_ms={wait_ms}", id_part("machine", machine)?);
        orders(self.call(&Method::POST, &path)?.body(&EmptyBody {})?.waiting(wait_ms).ask().await?)
    }

    /// The machine is gone; its leases go back to the queue at once.
    ///
    /// # Errors
    /// See [`ClientError`]; may be repeated.
    pub async fn leave_machine(&self, machine: &str) -> Result<(), ClientError> {
        let path = format!("api/machines/{}", id_part("machine", machine)?);
        self.call(&Method::DELETE, &path)?.done().await
    }
}

/// What a worker says.
impl Client {
    /// Begins a session. Leases of an earlier one go back to the queue unless `body.resume` names
    /// them.
    ///
    /// # Errors
    /// `unknown_machine`: its machine joins first. May be repeated; the last session counts.
    pub async fn join_worker(&self, worker: &str, body: &JoinWorkerBody) -> Result<WorkerJoined, ClientError> {
        let path = format!("api/workers/{}", id_part("worker", worker)?);
        self.call(&Method::PUT, &path)?.body(body)?.answer().await
    }

    /// The worker is gone; its leases go back to the queue at once.
    ///
    /// # Errors
    /// `session_replaced`: it lives on elsewhere. May be repeated.
    pub async fn leave_worker(&self, worker: &str, session: &str) -> Result<(), ClientError> {
        let path = format!("api/workers/{}", id_part("worker", worker)?);
        self.call(&Method::DELETE, &path)?.header(SESSION, session).done().await
    }

    /// Waits up to `wait_ms` for a job; `None` if there was none. With `start` it counts as
    /// started. A lease of this session that is missing in `have` is given out again, so an
    /// answer that got lost is no lost job.
    ///
    /// # Errors
    /// `session_replaced`, `unknown_worker`: join again or stop. May be repeated.
    pub async fn next(
        &self,
        worker: &str,
        session: &str,
        have: Vec<String>,
        wait_ms: u64,
        start: bool,
    ) -> Result<Option<Assignment>, ClientError> {
        let (wait_ms, start) = (wait_ms.min(wire::limits::WAIT_MS_MAX), u8::from(start));
        let path = format!("api/workers/{}/next?wait_ms={wait_ms}&start={start}", id_part("worker", worker)?);
        let call = self.call(&Method::POST, &path)?.header(SESSION, session).body(&NextBody { have })?;
        call.waiting(wait_ms).ask().await
    }
}

/// What the holder of a lease says. `lease_lost` to any of these: stop the work and throw its
/// result away.
impl Client {
    /// # Errors
    /// See [`ClientError`]; may be repeated.
    pub async fn start(&self, lease: &str) -> Result<Done, ClientError> {
        self.report(lease, "start", &EmptyBody {}).await
    }

    /// Renews the lease as well. Needs no repeating: the next one says more.
    ///
    /// # Errors
    /// See [`ClientError`]; may be repeated.
    pub async fn progress(&self, lease: &str, body: &ProgressBody) -> Result<Done, ClientError> {
        self.report(lease, "progress", body).await
    }

    /// # Errors
    /// See [`ClientError`]; may be repeated.
    pub async fn renew(&self, lease: &str) -> Result<Done, ClientError> {
        self.report(lease, "renew", &EmptyBody {}).await
    }

    /// The job is completed. With `next`, the answer has the next assignment, if there is one.
    ///
    /// # Errors
    /// See [`ClientError`]; may be repeated with the same result.
    pub async fn finish(&self, lease: &str, result: Json, next: bool) -> Result<FinishAnswer, ClientError> {
        let verb = format!("finish?next={}", u8::from(next));
        self.report(lease, &verb, &FinishBody { result: Some(result) }).await
    }

    /// The run failed; the answer says whether there will be another.
    ///
    /// # Errors
    /// See [`ClientError`]. A repetition of one that was heard gets `lease_lost`.
    pub async fn fail(&self, lease: &str, body: &FailBody) -> Result<FailAnswer, ClientError> {
        self.report(lease, "fail", body).await
    }

    /// Hands the job back; it counts as no run.
    ///
    /// # Errors
    /// See [`ClientError`]. A repetition of one that was heard gets `lease_lost`.
    pub async fn release(&self, lease: &str, reason: Option<String>) -> Result<(), ClientError> {
        self.lease_call(lease, "release")?.body(&ReleaseBody { reason })?.done().await
    }

    async fn report<T: serde::de::DeserializeOwned>(
        &self,
        lease: &str,
        verb: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        self.lease_call(lease, verb)?.body(body)?.answer().await
    }

    fn lease_call(&self, lease: &str, verb: &str) -> Result<crate::http::Call, ClientError> {
        self.call(&Method::POST, &format!("api/leases/{}/{verb}", id_part("lease", lease)?))
    }
}

/// What people and programs ask.
impl Client {
    /// `job` is a [`crate::NewJob`] or any JSON object of `wire.md` §8a.
    ///
    /// # Errors
    /// See [`ClientError`]. May be repeated if the job states its `job_id`; else a repetition
    /// after [`ClientError::Unreachable`] can be a second job.
    pub async fn submit(&self, job: &impl Serialize) -> Result<Submitted, ClientError> {
        self.call(&Method::POST, "api/jobs")?.body(job)?.answer().await
    }

    /// Up to 1,000 jobs in one call; each stands or falls alone.
    ///
    /// # Errors
    /// As for [`Client::submit`]: what is wrong with one job stands in its result.
    pub async fn submit_all(&self, jobs: &[impl Serialize]) -> Result<SubmittedAll, ClientError> {
        let body = Batch { jobs };
        self.call(&Method::POST, "api/jobs:batch")?.body(&body)?.answer().await
    }

    /// Why a job waits.
    ///
    /// # Errors
    /// `job_not_found`. May be repeated.
    pub async fn explain(&self, job: &str) -> Result<Explained, ClientError> {
        let path = format!("api/jobs/{}/explain", id_part("job", job)?);
        self.call(&Method::GET, &path)?.answer().await
    }

    /// # Errors
    /// `job_not_found`. May be repeated.
    pub async fn job(&self, job: &str) -> Result<JobView, ClientError> {
        let path = format!("api/jobs/{}", id_part("job", job)?);
        let answer: OneJob = self.call(&Method::GET, &path)?.answer().await?;
        Ok(answer.job)
    }

    /// After it the job is cancelled, wherever it was.
    ///
    /// # Errors
    /// `job_not_found`, `already_finished`. May be repeated.
    pub async fn cancel(&self, job: &str) -> Result<Cancelled, ClientError> {
        let path = format!("api/jobs/{}/cancel", id_part("job", job)?);
        self.call(&Method::POST, &path)?.body(&EmptyBody {})?.answer().await
    }

    /// How many workers, machines and jobs there are.
    ///
    /// # Errors
    /// See [`ClientError`]; may be repeated.
    pub async fn stats(&self) -> Result<serde_json::Value, ClientError> {
        self.call(&Method::GET, "api/stats")?.answer().await
    }

    /// The board's own account of its health.
    ///
    /// # Errors
    /// See [`ClientError`]; may be repeated.
    pub async fn health(&self) -> Result<serde_json::Value, ClientError> {
        self.call(&Method::GET, "health")?.answer().await
    }
}

fn orders(answer: Option<Done>) -> Result<Orders, ClientError> {
    Ok(answer.and_then(|done| done.orders).unwrap_or_default())
}

#[derive(Serialize)]
struct Batch<'a, T> {
    jobs: &'a [T],
}
