//! What a submission may say, and how a mistake in it is named.

use fleet::{JobId, Timestamp};
use wire::jobs::{Submission, parse_submission};
use wire::{Malformed, Problem};

fn parse(body: &str) -> Result<Submission, Malformed> {
    parse_submission(body.as_bytes(), JobId::parse("minted").unwrap(), None, Timestamp(1_642_700_000_000))
}

#[test]
fn what_is_not_said_has_a_default() {
    let Submission { spec, payload, ignored, .. } = parse(r#"{"job_type":"hash"}"#).unwrap();
    assert_eq!((spec.id.as_str(), spec.requirements.service.as_str()), ("minted", "hash"));
    assert_eq!((spec.priority, spec.attempts_max), (50, 3));
    assert_eq!(payload, "{}");
    assert!(ignored.is_empty() && spec.workflow().is_none());
}

#[test]
fn the_same_job_has_the_same_digest_however_it_is_written() {
    let digest = |body| parse(body).unwrap().spec.digest;
    let one = digest(r#"{"job_type":"hash","payload":{"a": [1, 2]},"timestamp":1,"id":"r1"}"#);
    assert_eq!(one, digest(r#"{ "payload" : {"a":[1,2]}, "service_required":"hash", "metadata":{} }"#));
    for other in [
        r#"{"job_type":"hash","payload":{"a":[1,3]}}"#,
        r#"{"job_type":"other","payload":{"a":[1,2]}}"#,
        r#"{"job_type":"hash","payload":{"a":[1,2]},"priority":51}"#,
        r#"{"job_type":"hash","payload":{"a":[1,2]},"ctx":1}"#,
        r#"{"job_type":"hash","payload":{"a":[1,2]},"labels":{"a":"b"}}"#,
        r#"{"job_type":"hash","payload":{"a":[1,2]},"workflow_id":"w"}"#,
        r#"{"job_type":"hash","payload":{"a":[1,2]},"requirements":{"tags":"fast"}}"#,
    ] {
        assert_ne!(one, digest(other), "{other}");
    }
}

#[test]
fn a_repeat_is_the_same_job_at_any_time_of_day() {
    for at in [i64::MIN, 1_000, 1_642_700_003_600_000, i64::MAX] {
        let body = format!(r#"{{"job_type":"a","workflow_datetime":{at}}}"#);
        let parse_at =
            |now| parse_submission(body.as_bytes(), JobId::parse("j").unwrap(), None, Timestamp(now)).unwrap().spec;
        let (first, again) = (parse_at(1_642_700_000_000), parse_at(1_642_700_060_000));
        assert_eq!(first.digest, again.digest, "{at}");
        let clamped = first.workflow().unwrap().at.unwrap().0;
        assert!((1_642_700_000_000 - 604_800_000..=1_642_700_000_000).contains(&clamped), "{at}");
    }
}

#[test]
fn a_mistake_is_named_with_its_field_its_value_and_the_limit() {
    let long = format!(r#"{{"job_type":"{}"}}"#, "x".repeat(129));
    let table = [
        ("", "bad_field", "service_required: is required"),
        ("[]", "bad_field", "the body: must be an object"),
        ("{", "bad_json", "the body is not JSON"),
        ("\u{7f}", "bad_json", "the body is not JSON"),
        (r#"{"job_type":""}"#, "bad_field", "job_type: must not be empty"),
        (r#"{"job_type":7}"#, "bad_field", "job_type: invalid type: integer `7`, expected a string"),
        (&long, "bad_field", "job_type: is 129 bytes long; at most 128 are allowed"),
        (r#"{"job_type":"a","job_type":"b"}"#, "bad_field", "job_type: is given twice"),
        (r#"{"job_type":"a","job_id":"no/slash"}"#, "bad_field", "job_id: may not contain '/'"),
        (r#"{"job_type":"a","priority":1000001}"#, "bad_field", "priority: is 1000001; it must be from 0 to 1000000"),
        (r#"{"job_type":"a","priority":1.5}"#, "bad_field", "priority: invalid type: floating point `1.5`"),
        (r#"{"job_type":"a","max_attempts":3,"max_retries":4}"#, "bad_field", "they mean the same"),
        (r#"{"job_type":"a","current_step":0}"#, "bad_field", "current_step: is 0; it must be from 1"),
        (r#"{"job_type":"a","labels":{"a":1}}"#, "bad_field", "labels: invalid type: integer `1`"),
        (r#"{"job_type":"a","requirements":[]}"#, "bad_requirement", "/requirements: is a list; it must be an object"),
    ];
    for (body, code, sentence) in table {
        let malformed = parse(body).unwrap_err();
        let problem = Problem::from(&malformed);
        assert_eq!(problem.code, code, "{body}: {malformed}");
        assert!(malformed.to_string().contains(sentence), "{body}: {malformed}");
    }
}

#[test]
fn fields_that_mean_nothing_are_named_in_the_answer() {
    let body = r#"{"job_type":"a","metadata":{},"webhook_url":"http://x","colour":"red"}"#;
    assert_eq!(parse(body).unwrap().ignored, ["colour", "metadata", "webhook_url"]);
}

#[test]
fn a_payload_may_be_as_large_as_the_limit_and_no_larger() {
    let max = wire::limits::PAYLOAD_BYTES_MAX;
    let body = |bytes: usize| format!(r#"{{"job_type":"a","payload":"{}"}}"#, "x".repeat(bytes - 2));
    assert!(parse(&body(max)).is_ok());
    let malformed = parse(&body(max + 1)).unwrap_err();
    assert_eq!(Problem::from(&malformed).status, 413);
}
