//! What the checker found.

use std::fmt;

/// What is wrong.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Kind {
    /// Something that was acknowledged is not there.
    Lost,
    /// Something happened, or was told, more often than once.
    Doubled,
    /// A watcher missed something, or was told it out of order.
    Gap,
    /// A lease did not outlive the broker, or its job did not take its course.
    Lease,
    /// Something appeared that nobody asked for.
    Unknown,
    /// The run itself shows nothing: it is not what it should have been.
    Run,
}

#[derive(Clone, Debug)]
pub(crate) struct Violation {
    pub(crate) kind: Kind,
    pub(crate) what: String,
}

/// Figures and violations of one run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    pub(crate) figures: Vec<(&'static str, String)>,
    pub(crate) violations: Vec<Violation>,
    /// One line for each kill.
    pub(crate) kills: Vec<String>,
}

/// Violations that are printed; the rest are counted.
const SHOWN_MAX: usize = 20;

impl Report {
    pub(crate) fn object(&mut self, kind: Kind, what: impl Into<String>) {
        self.violations.push(Violation { kind, what: what.into() });
    }

    pub(crate) fn figure(&mut self, name: &'static str, value: impl Into<String>) {
        self.figures.push((name, value.into()));
    }

    pub(crate) fn is_clean(&self) -> bool {
        self.violations.is_empty()
    }

    pub(crate) fn count(&self, kind: Kind) -> usize {
        self.violations.iter().filter(|violation| violation.kind == kind).count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.kills.is_empty() {
            writeln!(f, "  kill      lived  running  in flight  acked/s  when")?;
            self.kills.iter().try_for_each(|kill| writeln!(f, "  {kill}"))?;
        }
        for (name, value) in &self.figures {
            writeln!(f, "  {name:<36} {value}")?;
        }
        for Violation { kind, what } in self.violations.iter().take(SHOWN_MAX) {
            writeln!(f, "  {kind:?}: {what}")?;
        }
        if self.violations.len() > SHOWN_MAX {
            writeln!(f, "  … and {} more", self.violations.len() - SHOWN_MAX)?;
        }
        let [lost, doubled, gaps] = [Kind::Lost, Kind::Doubled, Kind::Gap].map(|kind| self.count(kind));
        write!(f, "{lost} lost, {doubled} doubled, {gaps} gaps")?;
        for (kind, name) in [(Kind::Lease, "leases broken"), (Kind::Unknown, "unknown"), (Kind::Run, "about the run")] {
            if self.count(kind) > 0 {
                write!(f, ", {} {name}", self.count(kind))?;
            }
        }
        writeln!(f)
    }
}
