//! Requirements in the words of a submission, in one form for equal ones.

use crate::tree::{number_value, value};
use fleet::{Need, Requirements, Scalar, Test};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What [`super::parse`] reads as these same requirements; `None` if they demand nothing beside
/// the service. Names are in alphabetical order, lists in that of their values.
pub(crate) fn show(requirements: &Requirements) -> Option<Value> {
    let (mut top, further) = side(&requirements.needs);
    let (bars, _) = side(&requirements.bars);
    let parts = [(super::POSITIVE, further), (super::NEGATIVE, bars)];
    top.extend(
        parts.into_iter().filter(|(_, side)| !side.is_empty()).map(|(name, side)| (name.to_owned(), object(side))),
    );
    (!top.is_empty()).then(|| object(top))
}

type Shown = BTreeMap<String, Value>;

/// In the order of the names, however the JSON library keeps them.
fn object(shown: Shown) -> Value {
    Value::Object(shown.into_iter().collect())
}

/// The needs by their names, and what of them cannot stand under one name with the rest.
fn side(needs: &BTreeSet<Need>) -> (Shown, Shown) {
    let (mut shown, mut further, mut hardware) = (Shown::new(), Shown::new(), Shown::new());
    for need in needs {
        let (name, value) = match need {
            Need::Hardware(part, least) => {
                hardware.insert(part.word().to_owned(), number_value(*least));
                continue;
            }
            Need::GpuModel(models) => {
                hardware.insert("gpu_model".to_owned(), list(models));
                continue;
            }
            Need::Models(models) => ("models", list(models)),
            Need::StrictIsolation => ("customer_isolation", "strict".into()),
            Need::Region(region) => ("region", region.as_str().into()),
            Need::Tags(tags) => ("tags", list(tags)),
            Need::Custom { path, tests } => {
                let (value, rest) = custom(tests);
                further.extend(rest.map(|rest| (path.clone(), rest)));
                (path.as_str(), value)
            }
        };
        shown.insert(name.to_owned(), value);
    }
    if !hardware.is_empty() {
        shown.insert("hardware".to_owned(), object(hardware));
    }
    (shown, further)
}

/// The shorthand if there is one, else each comparison by its name. What a name cannot say twice
/// comes second.
fn custom(tests: &BTreeSet<Test>) -> (Value, Option<Value>) {
    if let (Some(only), 1) = (tests.first(), tests.len()) {
        match only {
            Test::AtLeast(least) => return (number_value(*least), None),
            Test::Has(wanted) => return (value(wanted), None),
            Test::ContainsAll(wanted) => return (scalars(wanted), None),
            Test::AtMost(_) | Test::Equals(_) | Test::OneOf(_) => {}
        }
    }
    let (mut first, mut second, mut whole) = (Shown::new(), Shown::new(), None);
    let mut put = |name: &str, value| {
        let free = if first.contains_key(name) { &mut second } else { &mut first };
        free.insert(name.to_owned(), value);
    };
    for test in tests {
        match test {
            Test::AtLeast(least) => put("$gte", number_value(*least)),
            Test::AtMost(most) => put("$lte", number_value(*most)),
            Test::Equals(wanted) => put("$eq", value(wanted)),
            Test::Has(wanted) => put("$contains", value(wanted)),
            Test::OneOf(wanted) => put("$in", scalars(wanted)),
            Test::ContainsAll(wanted) if wanted.len() > 2 => whole = Some(scalars(wanted)),
            Test::ContainsAll(wanted) => wanted.iter().for_each(|wanted| put("$contains", value(wanted))),
        }
    }
    (object(first), whole.or_else(|| (!second.is_empty()).then(|| object(second))))
}

fn list(texts: &BTreeSet<String>) -> Value {
    texts.iter().map(String::as_str).collect()
}

fn scalars(values: &BTreeSet<Scalar>) -> Value {
    values.iter().map(value).collect()
}
