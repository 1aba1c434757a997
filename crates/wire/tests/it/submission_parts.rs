//! A submission's timing, its idempotency key, and many submissions in one batch.

use fleet::limits::{BATCH_JOBS_MAX, IDEMPOTENCY_KEY_BYTES_MAX};
use fleet::{Backoff, JobId, Timestamp, Timing};
use std::cell::Cell;
use wire::jobs::{JobView, Submission, parse_batch, parse_submission};
use wire::{Malformed, Problem};

const NOW: Timestamp = Timestamp(1_642_700_000_000);
const AT: i64 = 1_795_301_056_746;

fn parse(said: &str, key: Option<&str>) -> Result<Submission, Malformed> {
    let body = format!(r#"{{"job_type":"a"{said}}}"#);
    parse_submission(body.as_bytes(), JobId::parse("minted").unwrap(), key, NOW)
}

fn timing(said: &str) -> Option<Timing> {
    let parsed = parse(said, None).unwrap_or_else(|error| panic!("{said}: {error}"));
    parsed.spec.stated_timing().cloned()
}

fn each_is_refused(table: &[(&str, &str)]) {
    for (said, sentence) in table {
        let malformed = parse(said, None).expect_err(said);
        let problem = Problem::from(&malformed);
        assert_eq!((problem.status, problem.code.as_str()), (400, "bad_field"), "{said}: {malformed}");
        assert!(malformed.to_string().contains(sentence), "{said}: {malformed}");
    }
}

#[test]
fn a_time_is_said_in_either_form_and_means_the_same() {
    let expected = |time| Timing { not_before: Some(Timestamp(time)), ..Timing::default() };
    for (said, time) in [
        (r#""2026-11-21T22:44:16.746Z""#, AT),
        (r#""2026-11-21T23:44:16.746+01:00""#, AT),
        (r#""2026-11-21T22:44:16Z""#, AT - 746),
        (r#""2026-11-21T22:44:16.746999999Z""#, AT),
        ("1795301056746", AT),
        ("0", 0),
        ("-1", -1),
    ] {
        assert_eq!(timing(&format!(r#","not_before":{said}"#)), Some(expected(time)), "{said}");
    }
    assert_eq!(timing(r#","not_before":null"#), None);
}

#[test]
fn everything_about_time_is_read_and_what_is_not_said_is_usual() {
    let said = format!(
        r#","not_before":{AT},"start_by":{},"finish_by":{},"run_for_ms":1,"no_progress_ms":2592000000,
           "fail_if_unmatched_ms":86400000,"backoff":{{"base_ms":0,"factor":1,"max_ms":0}}"#,
        AT + 1,
        AT + 2
    );
    let read = Timing {
        not_before: Some(Timestamp(AT)),
        start_by: Some(Timestamp(AT + 1)),
        finish_by: Some(Timestamp(AT + 2)),
        run_for_ms: Some(1),
        no_progress_ms: Some(2_592_000_000),
        fail_if_unmatched_ms: Some(86_400_000),
        backoff: Backoff { base_ms: 0, factor: 1.into(), max_ms: 0 },
    };
    assert_eq!(timing(&said), Some(read));
    let usual = Backoff::default();
    let backoff = |said: &str| timing(&format!(r#","backoff":{said}"#)).map(|timing| timing.backoff);
    assert_eq!(backoff("{}"), None, "nothing was said");
    assert_eq!(backoff(r#"{"base_ms":5}"#), Some(Backoff { base_ms: 5, ..usual }));
    assert_eq!(backoff(r#"{"factor":100}"#), Some(Backoff { factor: 100.into(), ..usual }));
    let long = Backoff { base_ms: 400_000, max_ms: 400_000, ..usual };
    assert_eq!(backoff(r#"{"base_ms":400000}"#), Some(long), "the first wait is not shortened unasked");
}

#[test]
fn a_time_that_is_none_or_contradicts_another_is_refused() {
    each_is_refused(&[
        (r#","start_by":"tomorrow""#, r#"start_by: is "tomorrow"; it must be a time like 2026-11-21T22:44:16.746Z"#),
        (r#","start_by":"2026-11-21""#, "start_by: is"),
        (r#","finish_by":1.5"#, "finish_by: is 1.5; it must be a time"),
        (r#","not_before":true"#, "not_before: is true; it must be a time"),
        (r#","not_before":9223372036854775807"#, "not_before: is 9223372036854775807"),
        (r#","not_before":9223372036854775808"#, "not_before: is 9223372036854775808"),
        (r#","not_before":[]"#, "not_before: is []"),
        (
            r#","not_before":2000,"start_by":2000"#,
            "start_by: is 1970-01-01T00:00:02.000Z, which is not after not_before",
        ),
        (r#","not_before":2000,"finish_by":1999"#, "finish_by: is 1970-01-01T00:00:01.999Z, which is not after"),
    ]);
    let long = parse(&format!(r#","not_before":"{}""#, "x".repeat(10_000)), None).unwrap_err().to_string();
    assert!(long.len() < 300, "what was sent is not sent back whole");
}

#[test]
fn a_duration_has_bounds_and_is_said_once() {
    each_is_refused(&[
        (r#","run_for_ms":0"#, "run_for_ms: is 0; it must be from 1 to 2592000000 milliseconds"),
        (r#","run_for_ms":2592000001"#, "run_for_ms: is 2592000001"),
        (r#","run_for_ms":-1"#, "run_for_ms: invalid value: integer `-1`"),
        (r#","no_progress_ms":0"#, "no_progress_ms: is 0"),
        (r#","no_progress_ms":"60s""#, "no_progress_ms: invalid type"),
        (r#","fail_if_unmatched_ms":2592000001"#, "fail_if_unmatched_ms: is 2592000001"),
        (
            r#","run_for_ms":60000,"requirements":{"timeout_minutes":2}"#,
            "run_for_ms: is 60000, but requirements.timeout_minutes is 120000 ms; they mean the same",
        ),
        (r#","backoff":{"base_ms":2592000001}"#, "backoff.base_ms: is 2592000001; it must be from 0"),
        (r#","backoff":{"max_ms":2592000001}"#, "backoff.max_ms: is 2592000001"),
        (r#","backoff":{"factor":0.5}"#, "backoff.factor: must be from 1 to 100"),
        (r#","backoff":{"factor":100.5}"#, "backoff.factor: must be from 1 to 100"),
        (r#","backoff":{"factor":"2"}"#, "backoff: invalid type"),
        (r#","backoff":7"#, "backoff: invalid type"),
    ]);
    let agreed = timing(r#","run_for_ms":120000,"requirements":{"timeout_minutes":2}"#).unwrap();
    assert_eq!(agreed.run_for_ms, Some(120_000));
    let unknown = Problem::from(&parse(r#","backoff":{"jitter":1}"#, None).unwrap_err());
    assert_eq!(unknown.code, "unknown_field");
    assert!(unknown.detail.contains("backoff.jitter"), "{}", unknown.detail);
}

#[test]
fn a_job_shows_its_times_as_they_can_be_said_again() {
    let said = format!(r#","not_before":{AT},"run_for_ms":60000,"backoff":{{"factor":1.5}}"#);
    let spec = parse(&said, None).unwrap().spec;
    let event = fleet::Event { at: NOW, fact: crate::samples::submitted(spec), by: None };
    let mut ledger = fleet::Ledger::default();
    ledger.apply(&event);
    let shown = serde_json::to_value(JobView::of(ledger.job(&JobId::parse("minted").unwrap()).unwrap(), NOW)).unwrap();
    assert_eq!(shown["not_before"], "2026-11-21T22:44:16.746Z");
    assert_eq!(shown["run_for_ms"], 60_000);
    assert_eq!(shown["backoff"], serde_json::json!({ "base_ms": 1_000, "factor": 1.5, "max_ms": 300_000 }));
    assert!(shown.get("start_by").is_none(), "what is not stated is not shown");
    let again = format!(r#","not_before":{},"run_for_ms":60000,"backoff":{}"#, shown["not_before"], shown["backoff"]);
    assert_eq!(timing(&again), timing(&said));
}

#[test]
fn a_key_stands_in_the_header_or_in_the_body_and_is_one() {
    let key = |said, header| parse(said, header).unwrap().spec.idempotency_key().map(str::to_owned);
    assert_eq!(key("", None), None);
    assert_eq!(key("", Some("order 17")).as_deref(), Some("order 17"));
    assert_eq!(key(r#","idempotency_key":"order 17""#, None).as_deref(), Some("order 17"));
    assert_eq!(key(r#","idempotency_key":"order 17""#, Some("order 17")).as_deref(), Some("order 17"));
    let other = parse(r#","idempotency_key":"order 17""#, Some("order 18")).unwrap_err();
    assert!(other.to_string().contains("is not what the header Idempotency-Key says"), "{other}");
    let max = IDEMPOTENCY_KEY_BYTES_MAX;
    assert_eq!(key("", Some(&"k".repeat(max))).map(|key| key.len()), Some(max));
    for (wrong, why) in [
        ("", "must not be empty"),
        (&"k".repeat(max + 1), "is 256 bytes long; at most 255 are allowed"),
        ("caf\u{e9}", "printable ASCII"),
        ("a\tb", "printable ASCII"),
        ("a\u{7f}", "printable ASCII"),
    ] {
        for malformed in [
            parse("", Some(wrong)).unwrap_err(),
            parse(&format!(r#","idempotency_key":{}"#, serde_json::json!(wrong)), None).unwrap_err(),
        ] {
            assert!(malformed.to_string().contains(why), "{wrong:?}: {malformed}");
        }
    }
    each_is_refused(&[(r#","idempotency_key":7"#, "idempotency_key: invalid type")]);
}

fn batch(body: &str, key: Option<&str>) -> Result<Vec<Result<Submission, Malformed>>, Malformed> {
    let minted = Cell::new(0);
    let mint = || {
        minted.set(minted.get() + 1);
        Ok(JobId::parse(&format!("minted-{}", minted.get())).unwrap())
    };
    parse_batch(None, body.as_bytes(), mint, key, NOW)
}

#[test]
fn each_job_of_a_batch_stands_or_falls_alone() {
    let body = r#"{"jobs":[{"job_type":"a"},{"job_type":""},7,{"job_type":"b","requirements":{"x":null}},
                  {"job_type":"c","job_id":"c-1","colour":"red"},{"job_type":"d"}]}"#;
    let items = batch(body, None).unwrap();
    let shown: Vec<String> = items
        .iter()
        .map(|item| match item {
            Ok(submission) => submission.spec.id.to_string(),
            Err(malformed) => Problem::from(malformed).code,
        })
        .collect();
    assert_eq!(shown.len(), 6);
    assert!(shown[0].starts_with("minted-") && shown[5].starts_with("minted-") && shown[0] != shown[5], "{shown:?}");
    assert_eq!(shown[1..5], ["bad_field", "bad_field", "bad_requirement", "c-1"]);
    assert_eq!(items[4].as_ref().unwrap().ignored, ["colour"]);
    assert!(items[2].as_ref().unwrap_err().to_string().contains("must be an object"), "{items:?}");
}

#[test]
fn an_item_of_a_batch_has_the_batch_s_key_and_its_place() {
    let body = r#"{"jobs":[{"job_type":"a"},{"job_type":""},{"job_type":"c"}]}"#;
    let items = batch(body, Some("k")).unwrap();
    let key = |at: usize| items[at].as_ref().unwrap().spec.idempotency_key().map(str::to_owned);
    assert_eq!((key(0).as_deref(), key(2).as_deref()), (Some("k#0"), Some("k#2")));
    assert_eq!(batch(body, None).unwrap()[0].as_ref().unwrap().spec.idempotency_key(), None);
    let own = r#"{"jobs":[{"job_type":"a","idempotency_key":"own"}]}"#;
    let first = |key| batch(own, key).unwrap().remove(0);
    assert_eq!(first(None).unwrap().spec.idempotency_key(), Some("own"));
    assert!(first(Some("k")).unwrap_err().to_string().contains("idempotency_key"), "two keys are one too many");
}

#[test]
fn a_batch_that_is_none_or_too_long_is_refused_whole() {
    let of = |jobs: usize| format!(r#"{{"jobs":[{}]}}"#, vec![r#"{"job_type":"a"}"#; jobs].join(","));
    assert_eq!(batch(&of(BATCH_JOBS_MAX), None).unwrap().len(), 1_000);
    assert_eq!(batch(&of(0), None).unwrap().len(), 0);
    for (body, status, code, sentence) in [
        (&*of(BATCH_JOBS_MAX + 1), 413, "payload_too_large", "jobs has 1001 entries; at most 1000 are allowed"),
        ("", 400, "bad_field", "jobs: is required"),
        (r#"{"jobs":null}"#, 400, "bad_field", "jobs: is required"),
        (r#"{"jobs":{}}"#, 400, "bad_field", "jobs: invalid type: map, expected a sequence"),
        (r#"[{"job_type":"a"}]"#, 400, "bad_field", "the body: must be an object"),
        (r#"{"jobs":[],"all":true}"#, 400, "unknown_field", "all is not a field of this request, expected `jobs`"),
        (r#"{"jobs":["#, 400, "bad_json", "the body is not JSON"),
    ] {
        let malformed = batch(body, None).unwrap_err();
        let problem = Problem::from(&malformed);
        assert_eq!((problem.status, problem.code.as_str()), (status, code), "{malformed}");
        assert!(malformed.to_string().contains(sentence), "{malformed}");
    }
}
