//! Whatever is accepted is shown in a form that is read as the same, and nothing makes the reader
//! panic.

use crate::requirements::{parse, shown};
use crate::samples;
use fleet::{
    Capabilities, Event, Hardware, JobId, JobSpec, Need, Number, Part, Requirements, Scalar, Service, Test, Timestamp,
    Value,
};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use wire::jobs::parse_submission;
use wire::stored;

fn number() -> impl Strategy<Value = Number> {
    let any = any::<f64>().prop_filter_map("finite", Number::new);
    prop_oneof![3 => (-5_i32..5).prop_map(|n| Number::new(n.into()).unwrap()), 1 => any]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![2 => "[ab]", 1 => any::<String>().prop_filter("short", |text| text.len() <= 256)]
}

fn scalar() -> impl Strategy<Value = Scalar> {
    prop_oneof![any::<bool>().prop_map(Scalar::Bool), number().prop_map(Scalar::Number), text().prop_map(Scalar::Text)]
}

/// Tests of one capability, no two of which say the same. Only what is needed can be asked for in
/// two places, and so have two lists of which it is one.
fn tests(is_bar: bool) -> BoxedStrategy<BTreeSet<Test>> {
    let (lists, together) = if is_bar { (0..2, 0..2) } else { (0..3, 0..4) };
    let one_of = || vec(btree_set(scalar(), 1..3).prop_map(Test::OneOf), lists.clone());
    let single = prop::option::of(number().prop_map(Test::AtLeast));
    let most = prop::option::of(number().prop_map(Test::AtMost));
    let equals = prop::option::of(scalar().prop_map(Test::Equals));
    let of_a_value = (single, most, equals, one_of())
        .prop_map(|(least, most, equals, lists)| [least, most, equals].into_iter().flatten().chain(lists).collect());
    let of_a_list = (btree_set(scalar(), together), one_of()).prop_map(|(all, lists)| {
        let fits = |all: &BTreeSet<Scalar>| all.len() <= 2 || lists.len() < 2;
        let all = Some(all).filter(|all| !all.is_empty() && fits(all));
        all.map(Test::ContainsAll).into_iter().chain(lists.clone()).collect()
    });
    let has = scalar()
        .prop_filter("a number is a threshold", |scalar| !matches!(scalar, Scalar::Number(_)))
        .prop_map(|scalar| BTreeSet::from([Test::Has(scalar)]));
    let whole_list = btree_set(scalar(), 1..5).prop_map(|all| BTreeSet::from([Test::ContainsAll(all)]));
    prop_oneof![of_a_value, of_a_list, has, whole_list].boxed()
}

/// At most one need for each path.
fn needs(is_bar: bool) -> impl Strategy<Value = BTreeSet<Need>> {
    let parts = prop::sample::subsequence(vec![Part::GpuMemoryGb, Part::RamGb, Part::CpuCores, Part::GpuCount], 0..4);
    let hardware = (parts, number()).prop_map(|(parts, least)| {
        let is_threshold = least > Number::default();
        parts.into_iter().filter(|_| is_threshold).map(|part| Need::Hardware(part, least)).collect::<Vec<_>>()
    });
    let set = || btree_set(text(), 1..4);
    let known = prop::sample::subsequence(vec![0, 1, 2, 3, 4], 0..5).prop_flat_map(move |kinds| {
        let need = |kind| match kind {
            0 => set().prop_map(Need::GpuModel).boxed(),
            1 => set().prop_map(Need::Models).boxed(),
            2 => Just(Need::StrictIsolation).boxed(),
            3 => text().prop_map(Need::Region).boxed(),
            _ => set().prop_map(Need::Tags).boxed(),
        };
        kinds.into_iter().map(need).collect::<Vec<_>>()
    });
    let paths = ["a", "b.c", "b.d", "b c", "component", "workflow.hardware", "x/y~z", "ünï.cödé.😀", "models_of"];
    let custom = btree_map(prop::sample::select(paths.to_vec()), tests(is_bar), 0..4).prop_map(|custom| {
        let custom = custom.into_iter().filter(|(_, tests)| !tests.is_empty());
        custom.map(|(path, tests)| Need::Custom { path: path.to_owned(), tests }).collect::<Vec<_>>()
    });
    (hardware, known, custom).prop_map(|(hardware, known, custom)| {
        let is_no_demand = |need: &Need| {
            let all = Test::Has(Scalar::Text("all".to_owned()));
            matches!(need, Need::Custom { path, tests } if path == "component" && tests.contains(&all))
        };
        hardware.into_iter().chain(known).chain(custom).filter(|need| !is_no_demand(need)).collect()
    })
}

fn requirements() -> impl Strategy<Value = Requirements> {
    let service = Service::parse("comfyui").unwrap();
    (needs(false), needs(true))
        .prop_map(move |(needs, bars)| Requirements { needs, bars, ..Requirements::of(service.clone()) })
        .prop_filter("possible", |r| {
            r.contradiction().is_none() && !r.needs.iter().chain(&r.bars).any(Need::is_impossible)
        })
}

/// Requirements with several demands on each side, mostly right.
fn plausible() -> impl Strategy<Value = String> {
    let path = prop::sample::select(vec!["b", "c.d", "c.e", "component", "workflow", "ö"]);
    let named = [
        r#""region":"eu""#,
        r#""geographic_region":"us""#,
        r#""customer_isolation":"strict""#,
        r#""hardware.gpu_count":"all""#,
        r#""hardware":{"gpu_memory_gb":24.5,"cpu_cores":2}"#,
        r#""service_type":[1,null]"#,
        r#""f":{"g":{"h":[]},"i":0.1}"#,
    ];
    let demand = || {
        prop_oneof![
            3 => (path.clone(), demand()).prop_map(|(path, demand)| demand.replace(r#""a":"#, &format!("{path:?}:"))),
            1 => demand(),
            1 => prop::sample::select(named.to_vec()).prop_map(str::to_owned),
        ]
    };
    let side = |most| vec(demand(), 0..most).prop_map(|demands| demands.join(","));
    (side(4), side(3), side(3)).prop_map(|(top, positive, negative)| {
        let comma = if top.is_empty() { "" } else { "," };
        format!(r#"{{{top}{comma}"positive_requirements":{{{positive}}},"negative_requirements":{{{negative}}}}}"#)
    })
}

/// JSON that looks like requirements, right or wrong.
fn json() -> impl Strategy<Value = String> {
    let names = [
        "a",
        "b",
        "a.b",
        "a.b.c",
        "hardware",
        "hardware.ram_gb",
        "ram_gb",
        "gpu_model",
        "gpu_count",
        "models",
        "tags",
        "region",
        "geographic_region",
        "customer_isolation",
        "component",
        "timeout_minutes",
        "service_type",
        "$eq",
        "$gte",
        "$lte",
        "$contains",
        "$in",
        "a.$in",
        "positive_requirements",
        "negative_requirements",
        "positive_requirements.a",
    ];
    let name = prop::sample::select(names.to_vec());
    let leaves = [
        "0",
        "1",
        "2.5",
        "-1",
        "1e400",
        "9007199254740993",
        "true",
        "false",
        "null",
        r#""all""#,
        r#""strict""#,
        r#""x""#,
        r#""y""#,
        r#""\ud800""#,
        "[]",
        "{}",
    ];
    let leaf = prop::sample::select(leaves.to_vec()).prop_map(str::to_owned);
    let value = leaf.prop_recursive(5, 24, 4, {
        let name = name.clone();
        move |inner| {
            let list = vec(inner.clone(), 1..4).prop_map(|values| format!("[{}]", values.join(",")));
            prop_oneof![1 => list, 3 => vec((name.clone(), inner), 1..4).prop_map(object)]
        }
    });
    vec((name, value), 0..5).prop_map(object)
}

fn object(entries: Vec<(&str, String)>) -> String {
    let entries = entries.into_iter().map(|(name, value)| format!(r#""{name}":{value}"#));
    format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
}

/// A demand of one capability, or of what else has a list.
fn demand() -> impl Strategy<Value = String> {
    let scalar = || prop::sample::select(vec!["1", "2", "true", r#""x""#, r#""y""#]);
    let list = || vec(scalar(), 1..4).prop_map(|scalars| format!("[{}]", scalars.join(",")));
    let number = || prop::sample::select(vec!["1", "2", "3"]);
    let operator = prop_oneof![
        number().prop_map(|n| ("$gte", n.to_owned())),
        number().prop_map(|n| ("$lte", n.to_owned())),
        scalar().prop_map(|scalar| ("$eq", scalar.to_owned())),
        scalar().prop_map(|scalar| ("$contains", scalar.to_owned())),
        list().prop_map(|list| ("$in", list)),
    ];
    let once = |operators: Vec<(&'static str, String)>| operators.into_iter().collect::<BTreeMap<_, _>>();
    let operators = vec(operator, 1..3).prop_map(move |operators| object(once(operators).into_iter().collect()));
    let texts = || vec(prop::sample::select(vec![r#""x""#, r#""y""#, r#""z""#]), 1..3);
    let known = (prop::sample::select(vec!["models", "tags", "hardware.gpu_model"]), texts())
        .prop_map(|(name, texts)| format!(r#""{name}":[{}]"#, texts.join(",")));
    let custom = prop_oneof![scalar().prop_map(str::to_owned), list(), operators];
    prop_oneof![
        5 => custom.prop_map(|demand| format!(r#""a":{demand}"#)),
        1 => known,
        1 => number().prop_map(|n| format!(r#""hardware.ram_gb":{n}"#)),
    ]
}

fn declared() -> impl Strategy<Value = Capabilities> {
    let text = |text: &str| Scalar::Text(text.to_owned());
    let scalar = || {
        let numbers = [1, 2, 3].map(|n: u32| Scalar::Number(n.into()));
        prop::sample::select([numbers.to_vec(), vec![Scalar::Bool(true), text("x"), text("y")]].concat())
    };
    let value = prop_oneof![scalar().prop_map(Value::One), btree_set(scalar(), 0..4).prop_map(Value::List)];
    let texts = || btree_set(prop::sample::select(vec!["x", "y", "z"]).prop_map(str::to_owned), 0..4);
    (value, texts(), texts(), 0..4_u32).prop_map(|(value, models, tags, ram_gb)| Capabilities {
        services: BTreeSet::from([Service::parse("comfyui").unwrap()]),
        hardware: Hardware { ram_gb: ram_gb.into(), gpu_model: models.first().cloned(), ..Hardware::default() },
        models: [("comfyui".to_owned(), models)].into(),
        tags,
        custom: [("a".to_owned(), value)].into(),
        ..Capabilities::default()
    })
}

fn is_read_as_it_is_shown(requirements: &Arc<Requirements>) -> Result<(), TestCaseError> {
    let Some(shown) = shown(Arc::clone(requirements)) else {
        prop_assert!(requirements.needs.is_empty() && requirements.bars.is_empty());
        return Ok(());
    };
    let again = parse(&shown.to_string()).map_err(|error| TestCaseError::fail(format!("{shown}: {error}")))?;
    prop_assert_eq!(&again, requirements, "{}", shown);
    let spec = JobSpec { requirements: again, ..samples::spec(samples::content(samples::PAYLOAD)) };
    let event = Event { at: Timestamp(0), fact: samples::submitted(spec), by: None };
    prop_assert_eq!(stored::decode(&stored::encode(std::slice::from_ref(&event))).unwrap(), [event]);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn all_that_can_be_required_is_read_as_it_is_shown(requirements in requirements()) {
        is_read_as_it_is_shown(&Arc::new(requirements))?;
    }

    #[test]
    fn all_that_is_accepted_is_read_as_it_is_shown(written in prop_oneof![3 => plausible(), 1 => json()]) {
        if let Ok(requirements) = parse(&written) {
            is_read_as_it_is_shown(&requirements)?;
        }
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in vec(any::<u8>(), 0..200), text in "[\\[\\]{}\":,.$a1eE\\\\u\\-d8 ]{0,80}") {
        let minted = || JobId::parse("minted").unwrap();
        let _ = parse_submission(&bytes, minted(), None, Timestamp(0));
        let mut body = br#"{"job_type":"a","requirements":{"a":"#.to_vec();
        body.extend(&bytes);
        let _ = parse_submission(&body, minted(), None, Timestamp(0));
        let _ = parse(&text);
        if let Ok(requirements) = parse(&format!("{{\"a\":{text}}}")) {
            is_read_as_it_is_shown(&requirements)?;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whoever meets each side by itself, and not the negative one, meets the whole, and nobody else.
    #[test]
    fn the_sides_together_are_met_by_who_meets_each(
        top in demand(),
        positive in demand(),
        negative in demand(),
        declared in declared(),
    ) {
        let alone = |demand: &str| parse(&format!("{{{demand}}}")).map(|requirements| requirements.fits(&declared));
        let barred = alone(&negative);
        // What nothing can be bars nobody, but is refused as the mistake it is.
        prop_assume!(barred.is_ok());
        let fits_each = alone(&top) == Ok(true) && alone(&positive) == Ok(true) && barred == Ok(false);
        let sides = format!(r#""positive_requirements":{{{positive}}},"negative_requirements":{{{negative}}}"#);
        let whole = format!("{{{top},{sides}}}");
        match parse(&whole) {
            Ok(requirements) => {
                prop_assert_eq!(requirements.fits(&declared), fits_each, "{}", whole);
                is_read_as_it_is_shown(&requirements)?;
            }
            Err(why) => prop_assert!(!fits_each, "{}: {}", whole, why),
        }
    }
}
