//! What a submission may demand of a worker, in all its spellings, and how a mistake is named.

use crate::samples;
use fleet::{Counts, Job, JobId, JobSpec, Need, Part, Rank, Requirements, Scalar, State, Test, Timestamp, Waiting};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use wire::jobs::{JobView, parse_submission};
use wire::{Malformed, Problem};

pub(crate) fn parse(requirements: &str) -> Result<Arc<Requirements>, Malformed> {
    let body = format!(r#"{{"job_type":"comfyui","requirements":{requirements}}}"#);
    let submission = parse_submission(body.as_bytes(), JobId::parse("minted").unwrap(), None, Timestamp(0))?;
    Ok(submission.spec.requirements)
}

/// As `GET /api/jobs/{id}` shows them.
pub(crate) fn shown(requirements: Arc<Requirements>) -> Option<Value> {
    let job = Job {
        spec: Arc::new(JobSpec { requirements, ..samples::spec(samples::content(samples::PAYLOAD)) }),
        created_at: Timestamp(0),
        order: 1,
        rank: Rank { priority: 0, at: Timestamp(0) },
        is_starving: false,
        told: 1,
        state: State::Waiting(Waiting { since: Timestamp(0), not_before: None, missing: None }),
        counts: Counts::default(),
        more_than_gb: None,
        attempts: Vec::new(),
    };
    JobView::of(&job, Timestamp(0)).requirements
}

/// Each is read and shown as the other side says; an empty object stands for nothing.
fn each_is_shown_as(table: &[(&str, Value)]) {
    for (written, expected) in table {
        let requirements = parse(written).unwrap_or_else(|error| panic!("{written}: {error}"));
        assert_eq!(shown(Arc::clone(&requirements)).unwrap_or(json!({})), *expected, "{written}");
        assert_eq!(parse(&expected.to_string()).unwrap(), requirements, "{expected} is not {written}");
    }
}

/// Each is refused at that place, for a reason that says so.
pub(crate) fn each_is_refused(table: &[(&str, &str, &str)]) {
    for (written, pointer, why) in table {
        let malformed = parse(written).expect_err(written);
        let problem = Problem::from(&malformed);
        assert_eq!((problem.status, problem.code.as_str()), (400, "bad_requirement"), "{written}: {malformed}");
        assert_eq!(problem.pointer.as_deref(), Some(*pointer), "{written}: {malformed}");
        assert!(malformed.to_string().contains(why), "{written}: {malformed}");
    }
}

#[test]
fn each_demand_becomes_the_need_it_means() {
    let text = |text: &str| Scalar::Text(text.to_owned());
    let custom = |tests: &[Test]| Need::Custom { path: "a".to_owned(), tests: tests.iter().cloned().collect() };
    let set = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<BTreeSet<_>>();
    let five = || Scalar::Number(5.into());
    let table = [
        (r#""hardware":{"gpu_memory_gb":24}"#, Need::Hardware(Part::GpuMemoryGb, 24.into())),
        (r#""hardware":{"ram_gb":64}"#, Need::Hardware(Part::RamGb, 64.into())),
        (r#""hardware":{"cpu_cores":8}"#, Need::Hardware(Part::CpuCores, 8.into())),
        (r#""hardware":{"gpu_count":2}"#, Need::Hardware(Part::GpuCount, 2.into())),
        (r#""hardware":{"gpu_model":["H100","A100"]}"#, Need::GpuModel(set(&["A100", "H100"]))),
        (r#""models":"sdxl""#, Need::Models(set(&["sdxl"]))),
        (r#""tags":["b","a","b"]"#, Need::Tags(set(&["a", "b"]))),
        (r#""customer_isolation":"strict""#, Need::StrictIsolation),
        (r#""geographic_region":"eu""#, Need::Region("eu".to_owned())),
        (r#""a":5"#, custom(&[Test::AtLeast(5.into())])),
        (r#""a":"x""#, custom(&[Test::Has(text("x"))])),
        (r#""a":false"#, custom(&[Test::Has(Scalar::Bool(false))])),
        (r#""a":["x",5,true]"#, custom(&[Test::ContainsAll([Scalar::Bool(true), five(), text("x")].into())])),
        (r#""a":{"$eq":5}"#, custom(&[Test::Equals(five())])),
        (r#""a":{"$contains":"x"}"#, custom(&[Test::ContainsAll([text("x")].into())])),
        (r#""a":{"$in":["x",5]}"#, custom(&[Test::OneOf([five(), text("x")].into())])),
        (r#""a":{"$gte":2,"$lte":5}"#, custom(&[Test::AtLeast(2.into()), Test::AtMost(5.into())])),
    ];
    for (written, need) in table {
        let only = BTreeSet::from([need]);
        assert_eq!(parse(&format!("{{{written}}}")).unwrap().needs, only, "{written}");
        assert_eq!(parse(&format!(r#"{{"positive_requirements":{{{written}}}}}"#)).unwrap().needs, only, "{written}");
        let barred = parse(&format!(r#"{{"negative_requirements":{{{written}}}}}"#)).unwrap();
        assert_eq!((&barred.bars, barred.needs.len()), (&only, 0), "{written}");
    }
}

#[test]
fn a_demand_that_demands_nothing_is_dropped() {
    let nothing = [
        r#""hardware":{"gpu_memory_gb":"all","ram_gb":"all","cpu_cores":"all","gpu_count":"all","gpu_model":"all"}"#,
        r#""hardware":{"gpu_memory_gb":[],"gpu_model":{}}"#,
        r#""hardware":{}"#,
        r#""models":"all""#,
        r#""models":[],"tags":[],"a":[],"b":{},"c":{"d":{"e":[]}},"f.g":{}"#,
        r#""component":"all","workflow":"all""#,
        r#""customer_isolation":"loose""#,
        r#""customer_isolation":"none""#,
        r#""service_type":{"any":[null,{"thing":1}]},"service_type.else":2"#,
        "",
    ];
    for written in nothing {
        for (before, after) in
            [("{", "}"), (r#"{"positive_requirements":{"#, "}}"), (r#"{"negative_requirements":{"#, "}}")]
        {
            let written = format!("{before}{written}{after}");
            assert_eq!(shown(parse(&written).unwrap()), None, "{written}");
        }
    }
    each_is_shown_as(&[(r#"{"hardware":{"gpu_memory_gb":0,"ram_gb":-0.0}}"#, json!({})), ("null", json!({}))]);
    let with_none = r#"{"job_type":"a"}"#;
    let parse =
        |body: &str| parse_submission(body.as_bytes(), JobId::parse("j").unwrap(), None, Timestamp(0)).unwrap().spec;
    let with_nothing = r#"{"job_type":"a","requirements":{"models":"all"}}"#;
    assert_eq!(parse(with_none), parse(with_nothing), "and the digest is the same");
}

/// The SHA-256 of what was hashed before requirements could be given:
/// `["hash","<of the payload>",null,50,3,null,["w",null,null,null,null],{}]`.
#[test]
fn a_job_without_requirements_has_the_digest_it_always_had() {
    let body = r#"{"job_type":"hash","payload":{"a":[1,2]},"workflow_id":"w"}"#;
    let spec = parse_submission(body.as_bytes(), JobId::parse("j").unwrap(), None, Timestamp(0)).unwrap().spec;
    assert_eq!(spec.digest[..8], [163, 165, 68, 151, 125, 167, 101, 71]);
}

#[test]
fn the_all_that_stands_in_a_list_is_a_name() {
    each_is_shown_as(&[
        (
            r#"{"models":["all"],"hardware":{"gpu_model":["all"]}}"#,
            json!({"models":["all"],"hardware":{"gpu_model":["all"]}}),
        ),
        (r#"{"component":["all"],"workflow":{"$eq":"all"}}"#, json!({"component":["all"],"workflow":{"$eq":"all"}})),
        (r#"{"component":"upscaler"}"#, json!({"component":"upscaler"})),
    ]);
}

#[test]
fn a_name_with_dots_is_the_same_as_nested_objects() {
    each_is_shown_as(&[
        (r#"{"hardware.gpu_memory_gb":24}"#, json!({"hardware":{"gpu_memory_gb":24}})),
        (r#"{"hardware.ram_gb":64,"hardware":{"cpu_cores":8}}"#, json!({"hardware":{"ram_gb":64,"cpu_cores":8}})),
        (r#"{"a":{"b":{"c":1}}}"#, json!({"a.b.c":1})),
        (r#"{"a.b":{"c":1},"a":{"b.d":2},"a.b.e":"x"}"#, json!({"a.b.c":1,"a.b.d":2,"a.b.e":"x"})),
        (r#"{"a.$gte":1,"a":{"$lte":2}}"#, json!({"a":{"$gte":1,"$lte":2}})),
        (
            r#"{"negative_requirements.tags":"slow","positive_requirements.a.b":true}"#,
            json!({"a.b":true,"negative_requirements":{"tags":["slow"]}}),
        ),
        (
            r#"{"timeouts.hardware":"x","models_known":["all"]}"#,
            json!({"timeouts.hardware":"x","models_known":["all"]}),
        ),
    ]);
    each_is_refused(&[
        (r#"{"a.b":1,"a":{"b":1}}"#, "/requirements/a/b", "is given twice"),
        (r#"{"a":{"b":1},"a.b":1}"#, "/requirements/a.b", "is given twice"),
        (r#"{"a":1,"a.b":1}"#, "/requirements/a.b", "is given twice"),
        (r#"{"a.b":[],"a":{"b":{"c":1}}}"#, "/requirements/a/b", "is given twice"),
        (r#"{"hardware.ram_gb":1,"hardware":{"ram_gb":1}}"#, "/requirements/hardware/ram_gb", "is given twice"),
        (r#"{"region":"eu","geographic_region":"eu"}"#, "/requirements/region", "mean the same"),
        (r#"{"":1}"#, "/requirements/", "has an empty part in its name"),
        (r#"{".a":1}"#, "/requirements/.a", "has an empty part"),
        (r#"{"a..b":1}"#, "/requirements/a..b", "has an empty part"),
        (r#"{"a":{"b.":{}}}"#, "/requirements/a/b.", "has an empty part"),
    ]);
}

#[test]
fn demands_at_the_top_and_positive_ones_must_both_hold() {
    let both = |top: &str, positive: &str| format!(r#"{{{top},"positive_requirements":{{{positive}}}}}"#);
    let table = [
        (r#""hardware":{"ram_gb":8}"#, r#""hardware.ram_gb":64"#, json!({"hardware":{"ram_gb":64}})),
        (r#""hardware":{"ram_gb":8}"#, r#""hardware.cpu_cores":2"#, json!({"hardware":{"ram_gb":8,"cpu_cores":2}})),
        (
            r#""hardware.gpu_model":["A","B"]"#,
            r#""hardware.gpu_model":["B","C"]"#,
            json!({"hardware":{"gpu_model":["B"]}}),
        ),
        (r#""models":"x""#, r#""models":["y","x"]"#, json!({"models":["x","y"]})),
        (r#""models":"x""#, r#""models":"all""#, json!({"models":["x"]})),
        (r#""tags":"x""#, r#""tags":"y""#, json!({"tags":["x","y"]})),
        (r#""region":"eu""#, r#""geographic_region":"eu""#, json!({"region":"eu"})),
        (r#""customer_isolation":"loose""#, r#""customer_isolation":"strict""#, json!({"customer_isolation":"strict"})),
        (r#""a":1"#, r#""a":2"#, json!({"a":2})),
        (r#""a":{"$lte":3}"#, r#""a":{"$lte":2,"$gte":1}"#, json!({"a":{"$gte":1,"$lte":2}})),
        (r#""a":"x""#, r#""a":"x""#, json!({"a":"x"})),
        // Only a list can have both.
        (r#""a":"x""#, r#""a":"y""#, json!({"a":["x","y"]})),
        (r#""a":"x""#, r#""a":["y"]"#, json!({"a":["x","y"]})),
        // What it is says that it has it, or that it is one of them.
        (r#""a":"x""#, r#""a":{"$eq":"x"}"#, json!({"a":{"$eq":"x"}})),
        (r#""a":"x""#, r#""a":{"$in":["x","y"]}"#, json!({"a":"x"})),
        (r#""a":"x""#, r#""a":{"$in":["y","z"]}"#, json!({"a":{"$contains":"x","$in":["y","z"]}})),
        // What cannot be said at once is said in two places.
        (
            r#""a":{"$in":[2,3]}"#,
            r#""a":{"$in":[1,2]}"#,
            json!({"a":{"$in":[1,2]},"positive_requirements":{"a":{"$in":[2,3]}}}),
        ),
        (r#""a":{"$in":[4,5]}"#, r#""a":[1,2,3]"#, json!({"a":{"$in":[4,5]},"positive_requirements":{"a":[1,2,3]}})),
        (r#""timeout_minutes":1"#, r#""timeout_minutes":1.0"#, json!({})),
    ];
    for (one, other, expected) in table {
        each_is_shown_as(&[(&both(one, other), expected.clone()), (&both(other, one), expected)]);
    }
    each_is_refused(&[(
        &both(r#""timeout_minutes":1"#, r#""timeout_minutes":2"#),
        "/requirements/positive_requirements/timeout_minutes",
        "comes to 120000 ms, but to 60000 ms at the top",
    )]);
}

#[test]
fn each_negative_key_excludes_as_a_whole() {
    let requirements = parse(
        r#"{"negative_requirements":{"tags":["slow","far"],"disk":{"free":{"$gte":1,"$lte":5},"kind":"tape"},"hardware":{"gpu_model":["T4","P4"]}}}"#,
    );
    let bars: Vec<_> = requirements.unwrap().bars.iter().map(ToString::to_string).collect();
    let expected =
        ["hardware.gpu_model: P4 or T4", "tags: far, slow", "disk.free >= 1 and disk.free <= 5", "disk.kind: tape"];
    assert_eq!(bars, expected);
    each_is_refused(&[
        (
            r#"{"negative_requirements":{"hardware":{"ram_gb":0}}}"#,
            "/requirements/negative_requirements/hardware/ram_gb",
            "would exclude every worker",
        ),
        (
            r#"{"negative_requirements":{"timeout_minutes":1}}"#,
            "/requirements/negative_requirements/timeout_minutes",
            "is about the job, not the worker",
        ),
        (
            r#"{"negative_requirements":{"negative_requirements":{}}}"#,
            "/requirements/negative_requirements/negative_requirements",
            "only at the top",
        ),
        (
            r#"{"positive_requirements":{"negative_requirements":{"a":1}}}"#,
            "/requirements/positive_requirements/negative_requirements",
            "only at the top",
        ),
        (
            r#"{"negative_requirements.positive_requirements":{"a":1}}"#,
            "/requirements/negative_requirements.positive_requirements",
            "only at the top",
        ),
        (r#"{"negative_requirements":[]}"#, "/requirements/negative_requirements", "is a list; it must be an object"),
        (r#"{"positive_requirements":null}"#, "/requirements/positive_requirements", "is null; it must be an object"),
    ]);
}

#[test]
fn a_wrong_type_is_refused_where_it_stands() {
    each_is_refused(&[
        ("5", "/requirements", "is 5; it must be an object"),
        (r#""all""#, "/requirements", r#"is "all"; it must be an object"#),
        ("[{}]", "/requirements", "is a list; it must be an object"),
        (
            r#"{"hardware":{"gpu_memory_gb":"lots"}}"#,
            "/requirements/hardware/gpu_memory_gb",
            r#"/requirements/hardware/gpu_memory_gb: is "lots"; it must be a number or "all""#,
        ),
        (r#"{"hardware.ram_gb":null}"#, "/requirements/hardware.ram_gb", "is null; it must be a number"),
        (r#"{"hardware":{"ram_gb":-1}}"#, "/requirements/hardware/ram_gb", "is -1; it must be 0 or more"),
        (r#"{"hardware":{"ram_gb":{"$gte":1}}}"#, "/requirements/hardware/ram_gb", "is an object; it must be a number"),
        (r#"{"hardware":{"ram_gb":[1]}}"#, "/requirements/hardware/ram_gb", "is a list; it must be a number"),
        (
            r#"{"hardware":{"gpu_ram":1}}"#,
            "/requirements/hardware/gpu_ram",
            "gpu_memory_gb, ram_gb, cpu_cores, gpu_count",
        ),
        (r#"{"hardware":{"vram":"all"}}"#, "/requirements/hardware/vram", "is not known"),
        (
            r#"{"hardware":{"gpu_model":4090}}"#,
            "/requirements/hardware/gpu_model",
            "is 4090; it must be a name, a list",
        ),
        (r#"{"hardware":{"gpu_model":["a",1]}}"#, "/requirements/hardware/gpu_model/1", "is 1; it must be a text"),
        (r#"{"hardware":"all"}"#, "/requirements/hardware", r#"is "all"; it must be an object"#),
        (r#"{"models":{"comfyui":["x"]}}"#, "/requirements/models", "is an object; it must be a name"),
        (r#"{"models":["x",null]}"#, "/requirements/models/1", "is null; it must be a text"),
        (r#"{"tags":true}"#, "/requirements/tags", "is true; it must be a tag or a list of tags"),
        (r#"{"customer_isolation":"Strict"}"#, "/requirements/customer_isolation", r#""strict", "loose" or "none""#),
        (r#"{"region":["eu"]}"#, "/requirements/region", "is a list; it must be a text"),
        (r#"{"a":null}"#, "/requirements/a", "is null; it must be a number, a text, true, false, a list or an object"),
        (r#"{"a":{"b":null}}"#, "/requirements/a/b", "is null"),
        (r#"{"a":[1,[2]]}"#, "/requirements/a/1", "is a list; it must be a number, a text, true or false"),
        (r#"{"a":[{}]}"#, "/requirements/a/0", "is an object"),
        (r#"{"a":[null]}"#, "/requirements/a/0", "is null"),
        (r#"{"a/b~c":{"d":null}}"#, "/requirements/a~1b~0c/d", "is null"),
        (r#"{"component":null}"#, "/requirements/component", "is null"),
    ]);
}

#[test]
fn a_comparison_is_one_that_there_is_with_what_it_compares() {
    each_is_refused(&[
        (r#"{"a":{"$gt":1}}"#, "/requirements/a/$gt", "there are $eq, $gte, $lte, $contains and $in"),
        (r#"{"a":{"$gte":"1"}}"#, "/requirements/a/$gte", r#"is "1"; it must be a number"#),
        (r#"{"a":{"$lte":[]}}"#, "/requirements/a/$lte", "is a list; it must be a number"),
        (r#"{"a":{"$eq":["x"]}}"#, "/requirements/a/$eq", "is a list; it must be"),
        (r#"{"a":{"$eq":null}}"#, "/requirements/a/$eq", "is null"),
        (r#"{"a":{"$contains":["x"]}}"#, "/requirements/a/$contains", "is a list"),
        (r#"{"a":{"$in":"x"}}"#, "/requirements/a/$in", "it must be a list"),
        (r#"{"a":{"$in":[]}}"#, "/requirements/a/$in", "is an empty list"),
        (r#"{"a":{"$in":[{"$eq":1}]}}"#, "/requirements/a/$in/0", "is an object"),
        (r#"{"a":{"$gte":1,"b":2}}"#, "/requirements/a/b", "either names or comparisons"),
        (r#"{"a.$gte":1,"a.b":2}"#, "/requirements/a.b", "either names or comparisons"),
        (r#"{"a":{"$eq":{"$eq":1}}}"#, "/requirements/a/$eq", "is an object"),
        (r#"{"$gte":1}"#, "/requirements/$gte", "must stand inside one"),
        (r#"{"$and":[]}"#, "/requirements/$and", "must stand inside one"),
        (r#"{"negative_requirements":{"$eq":1}}"#, "/requirements/negative_requirements/$eq", "must stand inside one"),
        (r#"{"hardware":{"$gte":1}}"#, "/requirements/hardware/$gte", "is not known"),
        (r#"{"tags":{"$in":["a"]}}"#, "/requirements/tags", "is an object"),
        (r#"{"a":{"$gte":{}}}"#, "/requirements/a/$gte", "is an object; it must be a number"),
    ]);
}

#[test]
fn what_contradicts_itself_is_refused_and_both_sides_are_named() {
    let table = [
        (r#"{"a":{"$gte":5,"$lte":3}}"#, "nothing is a >= 5 and a <= 3"),
        (r#"{"a":{"$eq":"x","$in":["y"]}}"#, "nothing is a = x and a in y"),
        (r#"{"a":{"$eq":1},"positive_requirements":{"a":{"$eq":2}}}"#, "nothing is a = 1 and a = 2"),
        (r#"{"a":"x","positive_requirements":{"a":5}}"#, "nothing is a >= 5 and a contains x"),
        (r#"{"negative_requirements":{"a":{"$gte":5,"$lte":3}}}"#, "nothing is a >= 5 and a <= 3"),
        (r#"{"region":"eu","positive_requirements":{"region":"us"}}"#, "no worker has both region: eu and region: us"),
        (
            r#"{"hardware":{"gpu_model":"A"},"positive_requirements":{"hardware":{"gpu_model":["B","C"]}}}"#,
            "no worker has both hardware.gpu_model: A and hardware.gpu_model: B or C",
        ),
        (
            r#"{"hardware":{"ram_gb":64},"negative_requirements":{"hardware":{"ram_gb":32}}}"#,
            "hardware.ram_gb >= 64 is needed, but hardware.ram_gb >= 32 is excluded",
        ),
        (r#"{"tags":["a","b"],"negative_requirements":{"tags":"a"}}"#, "tags: a, b is needed, but tags: a is excluded"),
        (
            r#"{"customer_isolation":"strict","negative_requirements":{"customer_isolation":"strict"}}"#,
            "customer_isolation: strict is needed, but customer_isolation: strict is excluded",
        ),
        (r#"{"a":1,"positive_requirements":{"a.b":1}}"#, "no worker declares both a and a.b"),
    ];
    for (written, why) in table {
        each_is_refused(&[(written, "/requirements", &format!("contradicts itself: {why}"))]);
    }
    each_is_shown_as(&[
        (
            r#"{"tags":"a","negative_requirements":{"tags":["a","b"]}}"#,
            json!({"tags":["a"],"negative_requirements":{"tags":["a","b"]}}),
        ),
        (r#"{"a":{"b":1},"negative_requirements":{"a":1}}"#, json!({"a.b":1,"negative_requirements":{"a":1}})),
        (r#"{"ab":1,"positive_requirements":{"a":1}}"#, json!({"ab":1,"a":1})),
    ]);
}

#[test]
fn a_timeout_is_from_a_millisecond_to_thirty_days() {
    let pointer = "/requirements/timeout_minutes";
    for fine in ["43200", "0.00001", "1e-5", "1.5"] {
        each_is_shown_as(&[(&format!(r#"{{"timeout_minutes":{fine}}}"#), json!({}))]);
    }
    for (bad, why) in [
        ("0", "is 0; it must be 1 to 2592000000 milliseconds, in minutes"),
        ("-1", "is -1; it must be"),
        ("0.000001", "it must be 1 to"),
        ("43200.001", "is 43200.001; it must be"),
        (r#""5""#, r#"is "5"; it must be a number above 0"#),
        ("[]", "is a list; it must be a number"),
        ("null", "is null; it must be a number"),
    ] {
        each_is_refused(&[(&format!(r#"{{"timeout_minutes":{bad}}}"#), pointer, why)]);
    }
}
