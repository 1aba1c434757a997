//! Workers that only a load knows, and their machines, which beat.

use super::content;
use super::load::{Connection, text_after};
use anyhow::{Context, ensure};
use serde_json::json;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::task::JoinHandle;

const PER_MACHINE: u64 = 16;
/// As a machine is told to.
const BEAT_EVERY: Duration = Duration::from_millis(2_500);

/// Its machines beat until it is dropped.
pub(super) struct Fleet {
    workers: Vec<Worker>,
    beats: JoinHandle<()>,
}

#[derive(Clone)]
pub(super) struct Worker {
    pub(super) id: String,
    session: String,
}

/// The right to run one job.
pub(super) struct Lease {
    id: String,
    pub(super) job: String,
    /// The number that its payload says.
    pub(super) n: u64,
}

impl Fleet {
    /// `count` workers of one slot each that run `render`.
    pub(super) async fn join(address: SocketAddr, count: u64) -> anyhow::Result<Fleet> {
        Fleet::join_for(address, count, &["render".to_owned()]).await
    }

    /// `count` workers of one slot each that run these services.
    pub(super) async fn join_for(address: SocketAddr, count: u64, services: &[String]) -> anyhow::Result<Fleet> {
        let mut connection = Connection::open(address).await?;
        let machines = count.div_ceil(PER_MACHINE);
        for machine in 0..machines {
            connection.put(&format!("/api/machines/machine-{machine}"), b"{}").await?;
        }
        let mut workers = Vec::new();
        for n in 0..count {
            let machine = format!("machine-{}", n / PER_MACHINE);
            workers.push(Worker::join(&mut connection, &format!("worker-{n}"), &machine, services).await?);
        }
        let beats = tokio::spawn(async move {
            // Without its beats the broker takes the leases back, and that fails the run.
            let _ = beat(connection, machines).await;
        });
        Ok(Fleet { workers, beats })
    }

    pub(super) fn workers(&self) -> Vec<Worker> {
        self.workers.clone()
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.beats.abort();
    }
}

async fn beat(mut connection: Connection, machines: u64) -> anyhow::Result<()> {
    loop {
        tokio::time::sleep(BEAT_EVERY).await;
        for machine in 0..machines {
            connection.post(&format!("/api/machines/machine-{machine}/heartbeat"), b"{\"leases\":[]}").await?;
        }
    }
}

impl Worker {
    pub(super) async fn join(
        connection: &mut Connection,
        id: &str,
        machine: &str,
        services: &[String],
    ) -> anyhow::Result<Worker> {
        let body = json!({"machine_id": machine, "services": services}).to_string();
        let joined = connection.put(&format!("/api/workers/{id}"), body.as_bytes()).await?;
        let session = text_after(joined, "\"session\":\"").context("a worker joined and got no session")?;
        Ok(Worker { id: id.to_owned(), session: session.to_owned() })
    }

    /// Waits up to `wait_ms`. The body is empty if nothing came.
    pub(super) async fn next<'a>(
        &self,
        connection: &'a mut Connection,
        wait_ms: u32,
        start: bool,
    ) -> anyhow::Result<&'a [u8]> {
        let path = format!("/api/workers/{}/next?wait_ms={wait_ms}&start={}", self.id, u8::from(start));
        let answer = connection.ask("POST", &path, &[("x-worker-session", &self.session)], b"{}").await?;
        let said = String::from_utf8_lossy(answer.body);
        ensure!(matches!(answer.status, 200 | 204), "next was answered with {}: {said}", answer.status);
        Ok(answer.body)
    }
}

impl Lease {
    /// The lease in an answer; its payload must be as it was sent.
    pub(super) fn of(answer: &[u8], payload: usize) -> anyhow::Result<Lease> {
        let id = text_after(answer, "\"lease_id\":\"").context("jobs wait, and no lease came")?;
        let job = text_after(answer, "\"job\":{\"id\":\"").context("a lease without a job")?;
        let n = content::number_of(answer, payload);
        let n = n.with_context(|| format!("{job} was given with another payload than it was sent with"))?;
        Ok(Lease { id: id.to_owned(), job: job.to_owned(), n })
    }

    pub(super) fn path(&self, verb: &str) -> String {
        format!("/api/leases/{}/{verb}", self.id)
    }
}
