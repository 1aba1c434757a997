//! Two sets of demands that must both hold, as one.

use fleet::{Need, Requirements, Scalar, Test};
use std::collections::{BTreeMap, BTreeSet};

/// One need for each path.
///
/// # Errors
/// Says which two cannot both hold.
pub(super) fn join(mut ours: BTreeMap<String, Need>, theirs: BTreeMap<String, Need>) -> Result<BTreeSet<Need>, String> {
    for (path, need) in theirs {
        let need = match ours.remove(&path) {
            Some(ours) => both(ours, need)?,
            None => need,
        };
        ours.insert(path, need);
    }
    Ok(ours.into_values().collect())
}

/// Two needs that stand under the same path.
fn both(ours: Need, theirs: Need) -> Result<Need, String> {
    Ok(match (ours, theirs) {
        (Need::Hardware(part, n), Need::Hardware(_, m)) => Need::Hardware(part, n.max(m)),
        (Need::GpuModel(a), Need::GpuModel(b)) if !a.is_disjoint(&b) => Need::GpuModel(&a & &b),
        (Need::Models(a), Need::Models(b)) => Need::Models(&a | &b),
        (Need::Tags(a), Need::Tags(b)) => Need::Tags(&a | &b),
        (Need::Custom { path, tests: a }, Need::Custom { tests: b, .. }) => Need::Custom { path, tests: tests(a, b) },
        (ours, theirs) if ours == theirs => ours,
        (ours, theirs) => return Err(no_worker_has(&ours, &theirs)),
    })
}

/// The tests of both. Those of a kind become one where one says the same, and a single value that
/// must also stand another comparison is said as what it then is: the whole value, or in a list.
fn tests(ours: BTreeSet<Test>, theirs: BTreeSet<Test>) -> BTreeSet<Test> {
    let (mut least, mut most, mut contains, mut rest) = (None, None, BTreeSet::new(), BTreeSet::new());
    let mut has = BTreeSet::new();
    for test in ours.into_iter().chain(theirs) {
        match test {
            Test::AtLeast(n) => least = least.max(Some(n)),
            Test::AtMost(n) => most = Some(most.map_or(n, |most| n.min(most))),
            Test::ContainsAll(values) => contains.extend(values),
            Test::Has(value) => {
                has.insert(value);
            }
            Test::Equals(_) | Test::OneOf(_) => {
                rest.insert(test);
            }
        }
    }
    // What has a value has one of any that it is among.
    rest.retain(|test| !matches!(test, Test::OneOf(values) if !values.is_disjoint(&has)));
    let is_alone = least.is_none() && most.is_none() && contains.is_empty() && rest.is_empty();
    if is_alone && has.len() == 1 {
        return has.into_iter().map(Test::Has).collect();
    }
    let is_said = |value: &Scalar| rest.contains(&Test::Equals(value.clone()));
    contains.extend(has.into_iter().filter(|value| !is_said(value)));
    let contains = (!contains.is_empty()).then_some(Test::ContainsAll(contains));
    rest.extend(least.map(Test::AtLeast).into_iter().chain(most.map(Test::AtMost)).chain(contains));
    rest
}

/// Why no worker can ever fit; `None` if one may.
pub(super) fn contradiction(requirements: &Requirements) -> Option<String> {
    let all = || requirements.needs.iter().chain(&requirements.bars);
    if let Some(need) = all().find(|need| need.is_impossible()) {
        return Some(format!("contradicts itself: nothing is {need}"));
    }
    if let Some((need, bar)) = requirements.contradiction() {
        return Some(match requirements.bars.contains(bar) {
            true => format!("contradicts itself: {need} is needed, but {bar} is excluded"),
            false => no_worker_has(need, bar),
        });
    }
    // A path leads to a value or to further names, never to both.
    let paths = || requirements.needs.iter().filter_map(path);
    let inner = paths().find_map(|inner| {
        let is_outer = |outer: &&str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'));
        paths().find(is_outer).map(|outer| (outer, inner))
    });
    inner.map(|(outer, inner)| format!("contradicts itself: no worker declares both {outer} and {inner}"))
}

fn path(need: &Need) -> Option<&str> {
    match need {
        Need::Custom { path, .. } => Some(path),
        _ => None,
    }
}

fn no_worker_has(one: &Need, other: &Need) -> String {
    format!("contradicts itself: no worker has both {one} and {other}")
}
