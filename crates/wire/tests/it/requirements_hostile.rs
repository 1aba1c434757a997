//! Requirements that are meant to hurt: deep, large, doubled, half or on an edge.

use crate::requirements::{each_is_refused, parse, shown};
use fleet::{Need, Number, Scalar, Test};
use serde_json::json;

fn nested(levels: usize, open: &str, inner: &str, close: &str) -> String {
    format!("{}{inner}{}", open.repeat(levels), close.repeat(levels))
}

#[test]
fn what_is_nested_too_deeply_is_refused_however_it_is_spelled() {
    let deep = |levels| nested(levels, r#"{"a":"#, "1", "}");
    let dotted = |segments: usize| format!(r#"{{"{}":1}}"#, vec!["a"; segments].join("."));
    assert_eq!(parse(&deep(6)).unwrap(), parse(&dotted(6)).unwrap());
    assert!(parse(r#"{"a":{"b":{"c":{"d":{"e":[1]}}}}}"#).is_ok());
    assert!(parse(r#"{"negative_requirements":{"a.b.c.d":{"$in":[1]}}}"#).is_err());
    assert!(parse(r#"{"negative_requirements":{"a.b.c":{"$in":[1]}}}"#).is_ok());
    each_is_refused(&[
        (&deep(7), "/requirements/a/a/a/a/a/a", "is nested more than 6 levels deep"),
        (&deep(60), "/requirements/a/a/a/a/a/a", "is nested more than 6 levels deep"),
        (&dotted(7), "/requirements/a.a.a.a.a.a.a", "is nested more than 6 levels deep"),
        (&dotted(128), &format!("/requirements/{}", vec!["a"; 128].join(".")), "more than 6 levels deep"),
        (r#"{"a.b.c":{"d.e.f":{"g":1}}}"#, "/requirements/a.b.c/d.e.f", "more than 6 levels deep"),
        (r#"{"a.b.c.d.e.f":[1]}"#, "/requirements/a.b.c.d.e.f", "more than 6 levels deep"),
        (&format!(r#"{{"service_type":{}}}"#, nested(6, "[", "", "]")), "/requirements/service_type/0/0/0/0/0", "deep"),
        (&format!(r#"{{"tags":{}}}"#, nested(7, "[", "", "]")), "/requirements/tags/0/0/0/0/0", "deep"),
    ]);
    let malformed = parse(&nested(65, "[", "", "]")).unwrap_err();
    assert!(malformed.to_string().contains("nested more than 64 levels"), "{malformed}");
}

#[test]
fn more_values_than_may_be_given_are_refused() {
    let many = |count: usize, value: &str| vec![value; count].join(",");
    let keys =
        |count: usize, value: &str| (0..count).map(|n| format!(r#""k{n}":{value}"#)).collect::<Vec<_>>().join(",");
    for fine in [
        format!("{{{}}}", keys(64, "1")),
        format!("{{{}}}", keys(64, "{}")),
        format!(r#"{{"a":[{}]}}"#, (0..64).map(|n| n.to_string()).collect::<Vec<_>>().join(",")),
        format!(
            r#"{{"positive_requirements":{{{}}},"negative_requirements":{{{}}}}}"#,
            keys(32, "true"),
            keys(32, r#""x""#)
        ),
    ] {
        assert!(parse(&fine).is_ok(), "{fine}");
    }
    for bad in [
        format!("{{{}}}", keys(65, "1")),
        format!("{{{}}}", keys(65, "{}")),
        format!("{{{}}}", keys(65, "[]")),
        format!(r#"{{"tags":[{}]}}"#, many(65, r#""x""#)),
        format!(r#"{{"service_type":[{}]}}"#, many(65, "0")),
        format!(r#"{{"service_type":[{}]}}"#, many(65, "{}")),
        format!(r#"{{"positive_requirements":{{{}}},"negative_requirements":{{{}}}}}"#, keys(33, "1"), keys(32, "1")),
        format!(r#"{{"a":[{}],"b":1}}"#, (0..64).map(|n| n.to_string()).collect::<Vec<_>>().join(",")),
    ] {
        each_is_refused(&[(&bad, "/requirements", "holds more than 64 values")]);
    }
}

#[test]
fn a_body_full_of_requirements_is_refused() {
    let keys = (0..300_000).map(|n| format!(r#""k{n}":{{"a":[]}}"#)).collect::<Vec<_>>().join(",");
    each_is_refused(&[
        (&format!("{{{keys}}}"), "/requirements", "holds more than 64 values"),
        (&format!(r#"{{"a":[{}]}}"#, vec!["1"; 4_000_000].join(",")), "/requirements", "holds more than 64 values"),
        (&format!(r#"{{"a":"{}"}}"#, "x".repeat(9_000_000)), "/requirements/a", "is 9000000 bytes long; at most 256"),
        (&format!(r#"{{"{}":1}}"#, ".".repeat(9_000_000)), "/requirements", "a name in it is 9000000 bytes long"),
        (&format!(r#"{{"a":1{}}}"#, "0".repeat(9_000_000)), "/requirements/a", "is 1000000"),
    ]);
}

#[test]
fn names_texts_and_paths_have_a_length() {
    let long = "x".repeat(256);
    let halves = format!(r#"{{"{}":{{"{}":1}}}}"#, "x".repeat(128), "y".repeat(127));
    assert!(parse(&halves).is_ok());
    assert!(parse(&format!(r#"{{"{long}":"{long}"}}"#)).is_ok());
    // An "é" is two bytes.
    assert!(parse(&format!(r#"{{"tags":"{}"}}"#, "é".repeat(128))).is_ok());
    let path = format!("/requirements/{}/{}", "x".repeat(128), "y".repeat(128));
    each_is_refused(&[
        (&format!(r#"{{"{long}x":1}}"#), "/requirements", "a name in it is 257 bytes long; at most 256 are allowed"),
        (&format!(r#"{{"a":"{long}x"}}"#), "/requirements/a", "is 257 bytes long; at most 256 are allowed"),
        (&format!(r#"{{"tags":["{}"]}}"#, "é".repeat(129)), "/requirements/tags/0", "is 258 bytes long"),
        (&format!(r#"{{"a":"{}"}}"#, "\\u00e9".repeat(129)), "/requirements/a", "is 258 bytes long"),
        (&halves.replace("\":1", "y\":1"), &path, "its dotted path is 257 bytes long; at most 256 are allowed"),
    ]);
}

#[test]
fn a_number_is_taken_exactly_or_not_at_all() {
    let least = |written: &str| {
        let requirements = parse(&format!(r#"{{"a":{written}}}"#)).unwrap();
        let Some(Need::Custom { tests, .. }) = requirements.needs.first() else { panic!("{written}") };
        let Some(Test::AtLeast(least)) = tests.first() else { panic!("{written}") };
        (least.get(), shown(requirements.clone()).unwrap()["a"].to_string())
    };
    for (written, number, shown) in [
        ("9007199254740992", 9_007_199_254_740_992.0, "9007199254740992"),
        ("-9007199254740992", -9_007_199_254_740_992.0, "-9007199254740992"),
        ("9007199254740994.0", 9_007_199_254_740_994.0, "9007199254740994.0"),
        ("1e308", 1e308, "1e+308"),
        ("5e-324", 5e-324, "5e-324"),
        ("1e-999", 0.0, "0"),
        ("-0", 0.0, "0"),
        ("-0.0", 0.0, "0"),
        ("24.0", 24.0, "24"),
        ("0.30000000000000004", 0.1 + 0.2, "0.30000000000000004"),
        ("31.245270191439438", 31.245_270_191_439_438, "31.245270191439438"),
        ("1.7976931348623157e308", f64::MAX, "1.7976931348623157e+308"),
    ] {
        let (read, said) = least(written);
        assert_eq!((read.to_bits(), said.as_str()), (number.to_bits(), shown), "{written}");
        assert_eq!(least(&said).0.to_bits(), number.to_bits(), "{said}");
    }
    let long = format!(r#"{{"a":{}}}"#, "9".repeat(400));
    each_is_refused(&[
        (
            r#"{"a":9007199254740993}"#,
            "/requirements/a",
            "is 9007199254740993; integers must be from -9007199254740992 to",
        ),
        (r#"{"a":{"$in":[-9007199254740993]}}"#, "/requirements/a/$in/0", "is -9007199254740993; integers"),
        (r#"{"hardware":{"ram_gb":18446744073709551616}}"#, "/requirements/hardware/ram_gb", "is 18446744073709551616"),
        (&long, "/requirements/a", &format!("is {}; integers", "9".repeat(64))),
        (r#"{"a":1e999}"#, "/requirements/a", "is 1e999, which is more than a number can be"),
        (r#"{"a":[-1e400]}"#, "/requirements/a/0", "is -1e400, which is more"),
        (r#"{"service_type":1e999}"#, "/requirements/service_type", "is 1e999"),
    ]);
    for no_json in ["NaN", "Infinity", "+1", "01", "1.", ".5", "0x10", "1_000"] {
        let malformed = parse(&format!(r#"{{"a":{no_json}}}"#)).unwrap_err();
        assert!(malformed.to_string().starts_with("the body is not JSON"), "{no_json}: {malformed}");
    }
}

#[test]
fn texts_are_compared_byte_by_byte() {
    let tags = |written: &str| parse(&format!(r#"{{"tags":{written}}}"#)).unwrap();
    assert_eq!(tags(r#""\ud83d\ude00""#), tags(r#""😀""#));
    assert_eq!(tags(r#""\u00e9""#), tags(r#""é""#));
    assert_ne!(tags(r#""e\u0301""#), tags(r#""é""#), "a combining mark is another text");
    assert_eq!(tags(r#"["e\u0301","é"]"#).needs.len(), 1);
    assert_eq!(shown(tags(r#"["e\u0301","é"]"#)).unwrap(), json!({"tags":["e\u{301}","é"]}));
    assert_ne!(tags(r#""a""#), tags(r#""A""#));
    assert_ne!(tags(r#""a""#), tags(r#""a ""#));
    assert_ne!(tags(r#""a\u0000""#), tags(r#""a""#));
    assert_eq!(parse(r#"{"\u0061.\u0062":1}"#).unwrap(), parse(r#"{"a":{"b":1}}"#).unwrap());
    each_is_refused(&[
        (r#"{"tags":"\ud800"}"#, "/requirements/tags", r#"has half of a surrogate pair: "\ud800""#),
        (r#"{"tags":["a","\ude00\ud83d"]}"#, "/requirements/tags/1", "has half of a surrogate pair"),
        (r#"{"a":{"\udfff":1}}"#, "/requirements/a", "a name in it has half of a surrogate pair"),
        (r#"{"service_type":"\ud800x"}"#, "/requirements/service_type", "has half of a surrogate pair"),
    ]);
}

#[test]
fn nothing_is_given_twice_at_any_level() {
    each_is_refused(&[
        (r#"{"a":1,"a":1}"#, "/requirements/a", "is given twice"),
        (r#"{"a":{},"a":{}}"#, "/requirements/a", "is given twice"),
        (r#"{"a":1,"\u0061":1}"#, "/requirements/a", "is given twice"),
        (r#"{"models":"all","models":"all"}"#, "/requirements/models", "is given twice"),
        (r#"{"hardware":{"ram_gb":1,"ram_gb":2}}"#, "/requirements/hardware/ram_gb", "is given twice"),
        (r#"{"a":{"$gte":1,"$gte":2}}"#, "/requirements/a/$gte", "is given twice"),
        (r#"{"service_type":{"x":{"y":1,"y":1}}}"#, "/requirements/service_type/x/y", "is given twice"),
        (
            r#"{"negative_requirements":{"a":1},"negative_requirements":{"b":1}}"#,
            "/requirements/negative_requirements",
            "is given twice",
        ),
        (
            r#"{"positive_requirements.a":1,"positive_requirements":{"a":1}}"#,
            "/requirements/positive_requirements/a",
            "is given twice",
        ),
    ]);
    let malformed = parse(r#"{},"requirements":{}"#).unwrap_err();
    assert_eq!(malformed.to_string(), "requirements: is given twice");
}

#[test]
fn a_type_is_never_taken_for_another() {
    let custom = |written: &str| parse(&format!(r#"{{"a":{{"$eq":{written}}}}}"#)).unwrap();
    let all = ["1", r#""1""#, "true", r#""true""#, "0", "false", r#""""#];
    for (n, one) in all.iter().enumerate() {
        for other in &all[n + 1..] {
            assert_ne!(custom(one), custom(other), "{one} {other}");
        }
    }
    let one = Scalar::Number(Number::new(1.0).unwrap());
    assert_eq!(custom("1.0"), custom("1"), "{one}");
}
