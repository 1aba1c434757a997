//! When two submissions are the same: the digest of what they state.

use fleet::{JobId, Timestamp};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use wire::jobs::parse_submission;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn digest(body: &str) -> String {
    let minted = JobId::parse("minted").unwrap();
    let parsed = parse_submission(body.as_bytes(), minted, None, Timestamp(1_642_700_000_000));
    hex(&parsed.unwrap_or_else(|error| panic!("{body}: {error}")).spec.digest)
}

/// What version 0.1.0 hashed, written out by hand, and its hash. Jobs of that version are in
/// journals out there: a repeat of one of them must still be known as one.
#[test]
fn a_job_that_states_nothing_new_has_the_digest_that_it_always_had() {
    let bare = concat!(
        r#"["hash","44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","#,
        r#"null,50,3,null,null,{}]"#
    );
    let bare_digest = "fd74a6aa8987d34d6031b73469f8a19fadc44dbed629fb8e98f8164484e4da11";
    let whole = concat!(
        r#"["comfyui","01530d164d479cf08e26d3b1ad9bdba927120d97e2d057a6d792db778780d720","#,
        r#""288d680832a81110c2f672a18a13fd6c5dab1a8e2575bd65344baa0fc924e0fd","#,
        r#"7,2,"acme",["wf",70,1642699000000,1,4],{"team":"blue"}]"#
    );
    let whole_digest = "8bcf0730339b6b1f4d4a9caf0b64c49be7b26b228cb6e026b8a6a16fb623d0c0";
    let body = r#"{"service_required":"comfyui","payload":{"a":[1,2]},"ctx":{"secret":2},"priority":7,
        "max_attempts":2,"customer_id":"acme","workflow_id":"wf","workflow_priority":70,
        "workflow_datetime":1642699000000,"current_step":1,"total_steps":4,"labels":{"team":"blue"}}"#;
    for (hashed, pinned, body) in [(bare, bare_digest, r#"{"job_type":"hash"}"#), (whole, whole_digest, body)] {
        assert_eq!(hex(&Sha256::digest(hashed)), pinned, "{hashed}");
        assert_eq!(digest(body), pinned, "{body}");
    }
}

#[test]
fn the_same_content_has_the_same_digest_however_it_is_said() {
    let plain = digest(r#"{"job_type":"hash","payload":{"a":[1,2],"b":"x y"}}"#);
    for same in [
        "{ \"job_type\" :\t\"hash\",\n\"payload\": { \"a\" : [ 1,2 ] , \"b\":\"x y\" } }",
        r#"{"payload":{"a":[1,2],"b":"x y"},"service_required":"hash"}"#,
        r#"{"type":"hash","payload":{"a":[1,2],"b":"x y"}}"#,
        r#"{"job_type":"hash","payload":{"a":[1,2],"b":"x y"},"id":"request-9","timestamp":17,"metadata":{"x":1}}"#,
        r#"{"job_type":"hash","payload":{"a":[1,2],"b":"x y"},"colour":"red","webhook_url":"http://x","retry_count":2}"#,
        r#"{"job_type":"hash","payload":{"a":[1,2],"b":"x y"},"job_id":"j-1"}"#,
        r#"{"job_type":"hash","payload":{"a":[1,2],"b":"x y"},"idempotency_key":"k-1"}"#,
        r#"{"job_type":"hash","payload":{"a":[1,2],"b":"x y"},"priority":50,"max_retries":3}"#,
        r#"{"job_type":"hash","payload":{"a":[1,2],"b":"x y"},"requirements":{},"labels":{},"backoff":{}}"#,
        r#"{"job_type":"hash","payload":{"a":[1,2],"b":"x y"},"backoff":{"base_ms":1000,"factor":2,"max_ms":300000}}"#,
        r#"{"job_type":"hash","payload":{"a":[1,2],"b":"x y"},"not_before":null,"ctx":null,"customer_id":null}"#,
    ] {
        assert_eq!(digest(same), plain, "{same}");
    }
    let asked = |requirements: &str| digest(&format!(r#"{{"job_type":"hash","requirements":{requirements}}}"#));
    assert_eq!(
        asked(r#"{"tags":["b","a"],"hardware":{"gpu_memory_gb":24.0}}"#),
        asked(r#"{"positive_requirements":{"hardware":{"gpu_memory_gb":24}},"tags":["a","b"]}"#)
    );
    assert_eq!(asked(r#"{"timeout_minutes":15}"#), digest(r#"{"job_type":"hash","run_for_ms":900000}"#));
    assert_eq!(
        digest(r#"{"job_type":"hash","start_by":"2026-11-21T22:44:16.746Z"}"#),
        digest(r#"{"job_type":"hash","start_by":1795301056746}"#)
    );
}

/// Each of these says one thing that is honoured, so no two of them are the same job.
const SAYING_ONE_THING: [&str; 30] = [
    r#""payload":{}"#,
    r#""payload":{"a":1}"#,
    r#""payload":{"a":1.0}"#,
    r#""payload":{"a":"1"}"#,
    r#""payload":null,"ctx":{}"#,
    r#""ctx":{"a":1}"#,
    r#""priority":51"#,
    r#""max_attempts":4"#,
    r#""max_retries":1"#,
    r#""customer_id":"acme""#,
    r#""workflow_id":"acme""#,
    r#""workflow_priority":51"#,
    r#""workflow_datetime":1642699000000"#,
    r#""current_step":4"#,
    r#""total_steps":4"#,
    r#""labels":{"team":"blue"}"#,
    r#""requirements":{"tags":"team"}"#,
    r#""requirements":{"negative_requirements":{"tags":"team"}}"#,
    r#""requirements":{"hardware":{"gpu_memory_gb":24}}"#,
    r#""requirements":{"timeout_minutes":15}"#,
    r#""not_before":1795301056746"#,
    r#""start_by":1795301056746"#,
    r#""finish_by":1795301056746"#,
    r#""run_for_ms":60000"#,
    r#""no_progress_ms":60000"#,
    r#""fail_if_unmatched_ms":60000"#,
    r#""backoff":{"base_ms":999}"#,
    r#""backoff":{"factor":3}"#,
    r#""backoff":{"max_ms":299999}"#,
    r#""backoff":{"base_ms":999,"factor":3}"#,
];

#[test]
fn whatever_is_honoured_and_differs_makes_another_digest() {
    let mut found: BTreeMap<String, &str> = BTreeMap::new();
    for said in SAYING_ONE_THING {
        if let Some(other) = found.insert(digest(&format!(r#"{{"job_type":"hash",{said}}}"#)), said) {
            panic!("{said} is {other}");
        }
    }
    assert!(!found.contains_key(&digest(r#"{"job_type":"other"}"#)));
}

/// A workflow's time is honoured as clamped, and compared as said.
#[test]
fn a_repeat_much_later_is_the_same_job_although_its_workflow_s_time_was_moved() {
    let body = r#"{"job_type":"a","workflow_datetime":1}"#;
    let at = |now| parse_submission(body.as_bytes(), JobId::parse("j").unwrap(), None, Timestamp(now)).unwrap().spec;
    let (first, later) = (at(1_642_700_000_000), at(1_642_786_400_000));
    assert_eq!(first.digest, later.digest);
    assert_ne!(first.workflow(), later.workflow());
}
