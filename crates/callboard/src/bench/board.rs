//! What a board holds, read through its doors.

use super::load::{Connection, find, text_after};
use anyhow::{Context, bail, ensure};
use std::collections::HashMap;

/// Rows of one page while everything is counted.
const PAGE: usize = 500;

/// Jobs that were taken in: the number of each by its id, as the board minted it.
#[derive(Default)]
pub(super) struct TakenIn(HashMap<u128, u64>);

impl TakenIn {
    /// The board said that job number `n` is taken in as `id`.
    pub(super) fn put(&mut self, id: &str, n: u64) -> anyhow::Result<()> {
        let before = self.0.insert(uuid(id)?, n);
        ensure!(before.is_none(), "two submissions were answered with one id, {id}");
        Ok(())
    }

    pub(super) fn merge(&mut self, other: TakenIn) -> anyhow::Result<()> {
        let both = self.0.len() + other.0.len();
        self.0.extend(other.0);
        ensure!(self.0.len() == both, "two submissions were answered with one id");
        Ok(())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (String, u64)> + '_ {
        self.0.iter().map(|(id, n)| (text(*id), *n))
    }

    /// The delivery check: the board lists every one of these exactly once, and no other job.
    pub(super) async fn check(&self, connection: &mut Connection) -> anyhow::Result<()> {
        let mut left = self.0.clone();
        let (mut cursor, mut listed) = (String::new(), 0);
        loop {
            let path = format!("/api/jobs?limit={PAGE}{cursor}");
            let page = connection.get(&path).await?;
            let mut rest = page;
            while let Some(at) = find(rest, b"{\"id\":\"") {
                rest = &rest[at..];
                let id = text_after(rest, "{\"id\":\"").context("a job's id does not end")?;
                listed += 1;
                let was_there = left.remove(&uuid(id)?);
                ensure!(was_there.is_some(), "{id} is listed twice, or was never acknowledged");
                rest = &rest[1..];
            }
            match text_after(page, "\"next_cursor\":\"") {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        if let Some((lost, _)) = left.iter().next() {
            bail!("{} of {} jobs that were acknowledged are lost, such as {}", left.len(), self.0.len(), text(*lost));
        }
        ensure!(listed == self.0.len(), "{listed} jobs are listed, {} were acknowledged", self.0.len());
        Ok(())
    }
}

/// The hash of the record that an answer's decision was written with: the third part of its event's
/// id. Answers that were made durable by one append have one in common.
pub(super) fn record(answer: &[u8]) -> Option<u64> {
    let (_, hash) = text_after(answer, "\"event_id\":\"")?.rsplit_once('-')?;
    u64::from_str_radix(hash, 16).ok()
}

/// How many jobs wait.
pub(super) async fn pending(connection: &mut Connection) -> anyhow::Result<u64> {
    let stats: serde_json::Value = serde_json::from_slice(connection.get("/api/stats").await?)?;
    stats["stats"]["pending_jobs"].as_u64().context("the broker does not say how many jobs wait")
}

fn uuid(text: &str) -> anyhow::Result<u128> {
    let digits: String = text.chars().filter(|one| *one != '-').collect();
    u128::from_str_radix(&digits, 16).with_context(|| format!("{text:?} is no id that the board mints"))
}

fn text(uuid: u128) -> String {
    let digits = format!("{uuid:032x}");
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    const A: &str = "019ab4c5-0001-7abc-8def-000000000001";
    const B: &str = "019ab4c5-0001-7abc-8def-000000000002";

    /// What the check says of a board that lists `listed` after A and B were acknowledged.
    async fn check_against(listed: &[&str]) -> anyhow::Result<()> {
        let rows: Vec<_> = listed.iter().map(|id| format!("{{\"id\":\"{id}\",\"worker_id\":null}}")).collect();
        let body = format!("{{\"jobs\":[{}]}}", rows.join(","));
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = Vec::new();
            while find(&asked, b"\r\n\r\n").is_none() {
                stream.read_buf(&mut asked).await.unwrap();
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
        });
        let mut taken = TakenIn::default();
        taken.put(A, 1)?;
        taken.put(B, 2)?;
        taken.check(&mut Connection::open(address).await?).await
    }

    #[tokio::test]
    async fn a_board_that_loses_doubles_or_invents_a_job_is_seen() {
        check_against(&[B, A]).await.unwrap();
        let said = async |listed: &[&str]| check_against(listed).await.unwrap_err().to_string();
        assert!(said(&[A]).await.contains("1 of 2 jobs that were acknowledged are lost"));
        assert!(said(&[A, B, A]).await.contains("is listed twice, or was never acknowledged"));
        let other = A.replace('4', "5");
        assert!(said(&[A, B, &other]).await.contains("never acknowledged"));
    }

    #[test]
    fn ids_survive_being_numbers() {
        let id = "019ab4c5-0001-7abc-8def-0123456789ab";
        assert_eq!(text(uuid(id).unwrap()), id);
        assert!(uuid("job-1").is_err());
        let mut taken = TakenIn::default();
        taken.put(id, 3).unwrap();
        assert_eq!(taken.iter().collect::<Vec<_>>(), [(id.to_owned(), 3)]);
        assert!(taken.put(id, 4).is_err(), "one id for two jobs");
    }

    #[test]
    fn the_record_of_a_decision_is_known_by_its_hash() {
        assert_eq!(record(br#"{"event_id":"3-1042-00000000000000ff"}"#), Some(255));
        assert_eq!(record(b"{}"), None);
    }
}
