//! Payloads and results that can be told apart and checked: each is made of the job's number.

use super::load::{find, text_after};
use super::scenario::spread;
use std::io::Write;

/// A payload has room for its frame and its number.
pub(super) const PAYLOAD_BYTES_MIN: usize = 64;

const KEY: &str = "\"payload\":{\"n\":\"";

/// `{"n":"<16 digits>","text":"<digits without a pattern>"}`, `bytes` long, of job number `n`.
pub(super) fn put_payload(out: &mut Vec<u8>, n: u64, bytes: usize) {
    let end = out.len() + bytes.max(PAYLOAD_BYTES_MIN) - 2;
    put_hex(out, "{\"n\":\"", n);
    out.extend_from_slice(b"\",\"text\":\"");
    let mut piece = n.wrapping_mul(1 << 20);
    while out.len() < end {
        put_hex(out, "", spread(piece as usize) as u64);
        piece += 1;
    }
    out.truncate(end);
    out.extend_from_slice(b"\"}");
}

/// A submission of job number `n`.
pub(super) fn put_job(out: &mut Vec<u8>, n: u64, bytes: usize) {
    out.extend_from_slice(b"{\"service_required\":\"render\",\"payload\":");
    put_payload(out, n, bytes);
    out.push(b'}');
}

/// A batch of the jobs of these numbers, in place of what `out` held.
pub(super) fn put_batch(out: &mut Vec<u8>, numbers: std::ops::Range<u64>, bytes: usize) {
    out.clear();
    out.extend_from_slice(b"{\"jobs\":[");
    for n in numbers.clone() {
        if n > numbers.start {
            out.push(b',');
        }
        put_job(out, n, bytes);
    }
    out.extend_from_slice(b"]}");
}

/// What the worker of job number `n` answers: it could not know it without the payload.
pub(super) fn result(n: u64) -> String {
    format!("{{\"n\":\"{n:016x}\",\"sum\":\"{:016x}\"}}", spread(n as usize))
}

/// The number of the job that an answer shows, if its payload is as it was sent.
pub(super) fn number_of(answer: &[u8], bytes: usize) -> Option<u64> {
    let n = u64::from_str_radix(text_after(answer, KEY)?, 16).ok()?;
    let at = find(answer, KEY.as_bytes())? + "\"payload\":".len();
    let mut expected = Vec::with_capacity(bytes + 16);
    put_payload(&mut expected, n, bytes);
    answer[at..].starts_with(&expected).then_some(n)
}

/// Whether an answer shows job number `n` completed with the right result.
pub(super) fn is_completed(answer: &[u8], n: u64) -> bool {
    let result = format!("\"result\":{}", result(n));
    find(answer, b"\"status\":\"completed\"").is_some() && find(answer, result.as_bytes()).is_some()
}

fn put_hex(out: &mut Vec<u8>, before: &str, n: u64) {
    // A vector takes everything.
    let _ = write!(out, "{before}{n:016x}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_has_its_size_and_no_two_are_alike() {
        for bytes in [64, 100, 1024, 4096] {
            let (mut one, mut two) = (Vec::new(), Vec::new());
            put_payload(&mut one, 1, bytes);
            put_payload(&mut two, 2, bytes);
            assert_eq!((one.len(), two.len()), (bytes, bytes));
            assert_ne!(one[30..], two[30..]);
            serde_json::from_slice::<serde_json::Value>(&one).unwrap();
        }
    }

    #[test]
    fn a_payload_that_lost_a_byte_is_none() {
        let mut job = Vec::new();
        put_job(&mut job, 7, 1024);
        assert_eq!(number_of(&job, 1024), Some(7));
        job.remove(700);
        assert_eq!(number_of(&job, 1024), None);
    }

    #[test]
    fn only_the_right_result_completes_a_job() {
        let view = |n| format!("{{\"status\":\"completed\",\"result\":{}}}", result(n)).into_bytes();
        assert!(is_completed(&view(7), 7) && !is_completed(&view(8), 7));
        assert!(!is_completed(b"{\"status\":\"failed\"}", 7));
    }
}
