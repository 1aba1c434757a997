//! What a job needs of the worker that runs it, as a closed type (`wire.md` §8b).

use crate::{Number, Service};
use std::collections::BTreeSet;
use std::fmt;

/// Jobs with equal requirements share a class, so they are compared and hashed as a whole and
/// kept in one form: sets, without repeats and without demands that demand nothing.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Requirements {
    pub service: Service,
    /// Every one must hold.
    pub needs: BTreeSet<Need>,
    /// A worker for which any of these holds is excluded.
    pub bars: BTreeSet<Need>,
}

/// One thing that a worker has or has not. A worker that does not declare it has it not.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Need {
    /// At least that much.
    Hardware(Part, Number),
    /// One of these.
    GpuModel(BTreeSet<String>),
    /// All of these, among the worker's models of the job's service.
    Models(BTreeSet<String>),
    /// The worker keeps its jobs strictly apart.
    StrictIsolation,
    Region(String),
    /// All of these.
    Tags(BTreeSet<String>),
    /// All tests of one declared value. Segments of the path are joined by dots.
    Custom {
        path: String,
        tests: BTreeSet<Test>,
    },
}

/// What hardware is counted or measured.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Part {
    GpuMemoryGb,
    RamGb,
    CpuCores,
    GpuCount,
}

/// A comparison with a declared value.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Test {
    AtLeast(Number),
    AtMost(Number),
    /// It is this and no list.
    Equals(Scalar),
    /// It is this, or a list that has it.
    Has(Scalar),
    /// A list that has all of these.
    ContainsAll(BTreeSet<Scalar>),
    /// It is one of these, or a list that has one of them.
    OneOf(BTreeSet<Scalar>),
}

/// A single declared or wanted value.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Scalar {
    Bool(bool),
    Number(Number),
    Text(String),
}

/// What a worker declares under one path.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Value {
    One(Scalar),
    List(BTreeSet<Scalar>),
}

impl Requirements {
    /// Any worker that offers the service.
    #[must_use]
    pub fn of(service: Service) -> Requirements {
        Requirements { service, needs: BTreeSet::new(), bars: BTreeSet::new() }
    }

    /// What cannot hold together whatever a worker has. Not every such pair is found: what is
    /// named here can never run, what is not may still find no worker.
    #[must_use]
    pub fn contradiction(&self) -> Option<(&Need, &Need)> {
        let pairs = |a| self.needs.range(a..).skip(1).map(move |b| (a, b));
        let excluded = self.needs.iter().flat_map(|need| self.bars.iter().map(move |bar| (need, bar)));
        let barred = excluded.filter(|(need, bar)| need.implies(bar));
        self.needs.iter().flat_map(pairs).filter(|(a, b)| a.excludes(b)).chain(barred).next()
    }
}

impl Need {
    /// Whether a worker that has `self` always has `other`.
    fn implies(&self, other: &Need) -> bool {
        match (self, other) {
            (Need::Hardware(a, n), Need::Hardware(b, m)) => a == b && n >= m,
            (Need::GpuModel(a), Need::GpuModel(b)) => a.is_subset(b),
            (Need::Models(a), Need::Models(b)) | (Need::Tags(a), Need::Tags(b)) => a.is_superset(b),
            (Need::Custom { path: a, tests: ours }, Need::Custom { path: b, tests: theirs }) => {
                a == b && theirs.iter().all(|theirs| ours.iter().any(|ours| ours.implies(theirs)))
            }
            _ => self == other,
        }
    }

    /// Whether no worker can have both.
    fn excludes(&self, other: &Need) -> bool {
        match (self, other) {
            (Need::GpuModel(a), Need::GpuModel(b)) => a.is_disjoint(b),
            (Need::Region(a), Need::Region(b)) => a != b,
            _ => false,
        }
    }

    /// Whether no worker can have it, whatever it declares.
    #[must_use]
    pub fn is_impossible(&self) -> bool {
        let Need::Custom { tests, .. } = self else { return false };
        tests.iter().any(|a| tests.iter().any(|b| a.excludes(b)))
    }
}

impl Test {
    fn implies(&self, other: &Test) -> bool {
        match (self, other) {
            (Test::AtLeast(n), Test::AtLeast(m)) => n >= m,
            (Test::AtMost(n), Test::AtMost(m)) => n <= m,
            (Test::Equals(Scalar::Number(n)), Test::AtLeast(m)) => n >= m,
            (Test::Equals(Scalar::Number(n)), Test::AtMost(m)) => n <= m,
            (Test::Equals(a), Test::Has(b)) => a == b,
            (Test::Equals(a) | Test::Has(a), Test::OneOf(b)) => b.contains(a),
            (Test::ContainsAll(a), Test::ContainsAll(b)) => a.is_superset(b),
            (Test::ContainsAll(a), Test::Has(b)) => a.contains(b),
            (Test::ContainsAll(a), Test::OneOf(b)) => !a.is_disjoint(b),
            (Test::OneOf(a), Test::OneOf(b)) => a.is_subset(b),
            _ => self == other,
        }
    }

    /// Whether no declared value can pass both.
    fn excludes(&self, other: &Test) -> bool {
        match (self, other) {
            (Test::AtLeast(n), Test::AtMost(m)) => n > m,
            (Test::Equals(Scalar::Number(n)), Test::AtLeast(m)) => n < m,
            (Test::Equals(Scalar::Number(n)), Test::AtMost(m)) => n > m,
            (Test::Equals(a), Test::Equals(b) | Test::Has(b)) => a != b,
            (Test::Equals(a), Test::OneOf(b)) => !b.contains(a),
            // A list is no single value, and neither is a text or a truth a number.
            (Test::Equals(_), Test::ContainsAll(_)) | (Test::AtLeast(_) | Test::AtMost(_), Test::ContainsAll(_)) => {
                true
            }
            (Test::Equals(Scalar::Bool(_) | Scalar::Text(_)), Test::AtLeast(_) | Test::AtMost(_)) => true,
            _ => false,
        }
    }
}

impl Part {
    /// As it is called inside `hardware`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Part::GpuMemoryGb => "gpu_memory_gb",
            Part::RamGb => "ram_gb",
            Part::CpuCores => "cpu_cores",
            Part::GpuCount => "gpu_count",
        }
    }
}

/// As `missing` shows it: the words of the submission.
impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Need::Hardware(part, least) => write!(f, "hardware.{} >= {least}", part.word()),
            Need::GpuModel(models) => write!(f, "hardware.gpu_model: {}", listed(models, " or ")),
            Need::Models(models) => write!(f, "models: {}", listed(models, ", ")),
            Need::StrictIsolation => f.write_str("customer_isolation: strict"),
            Need::Region(region) => write!(f, "region: {region}"),
            Need::Tags(tags) => write!(f, "tags: {}", listed(tags, ", ")),
            Need::Custom { path, tests } => {
                for (n, test) in tests.iter().enumerate() {
                    let and = if n == 0 { "" } else { " and " };
                    write!(f, "{and}{path}{test}")?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Test::AtLeast(least) => write!(f, " >= {least}"),
            Test::AtMost(most) => write!(f, " <= {most}"),
            Test::Equals(value) => write!(f, " = {value}"),
            Test::Has(value) => write!(f, ": {value}"),
            Test::ContainsAll(values) => write!(f, " contains {}", listed(values, ", ")),
            Test::OneOf(values) => write!(f, " in {}", listed(values, ", ")),
        }
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scalar::Bool(truth) => truth.fmt(f),
            Scalar::Number(number) => number.fmt(f),
            Scalar::Text(text) => f.write_str(text),
        }
    }
}

fn listed<T: fmt::Display>(set: &BTreeSet<T>, between: &str) -> String {
    set.iter().map(T::to_string).collect::<Vec<_>>().join(between)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sets(of: &[Scalar]) -> Vec<BTreeSet<Scalar>> {
        let chosen = |bits: usize| of.iter().enumerate().filter(move |(n, _)| bits >> n & 1 == 1);
        (0..1 << of.len()).map(|bits| chosen(bits).map(|(_, scalar)| scalar.clone()).collect()).collect()
    }

    /// Every test against every other on every value of a small world.
    #[test]
    fn what_is_said_to_follow_or_to_contradict_does() {
        let numbers: Vec<Number> = [1, 2, 3].map(Number::from).into();
        let mut scalars: Vec<Scalar> = numbers.iter().copied().map(Scalar::Number).collect();
        scalars.extend([Scalar::Text("a".to_owned()), Scalar::Bool(true)]);
        let values: Vec<Value> =
            scalars.iter().cloned().map(Value::One).chain(sets(&scalars).into_iter().map(Value::List)).collect();
        let mut tests: Vec<Test> = numbers.iter().flat_map(|n| [Test::AtLeast(*n), Test::AtMost(*n)]).collect();
        tests.extend(scalars.iter().flat_map(|scalar| [Test::Equals(scalar.clone()), Test::Has(scalar.clone())]));
        let some = sets(&scalars).into_iter().filter(|set| !set.is_empty());
        tests.extend(some.flat_map(|set| [Test::ContainsAll(set.clone()), Test::OneOf(set)]));
        let (mut implied, mut excluded) = (0, 0);
        for (a, b) in tests.iter().flat_map(|a| tests.iter().map(move |b| (a, b))) {
            if a.implies(b) {
                implied += 1;
                let counter = values.iter().find(|value| a.passes(value) && !b.passes(value));
                assert_eq!(counter, None, "{a:?} implies {b:?}");
            }
            if a.excludes(b) {
                excluded += 1;
                let counter = values.iter().find(|value| a.passes(value) && b.passes(value));
                assert_eq!(counter, None, "{a:?} excludes {b:?}");
            }
        }
        assert!(implied > tests.len() && excluded > 0, "something was compared");
    }
}
