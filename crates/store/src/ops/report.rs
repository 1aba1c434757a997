//! What a check found.

use std::fmt;

/// Findings that are told one by one; of the others only how many.
const TOLD_MAX: usize = 20;

/// How bad it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Severity {
    /// Takes room and harms nothing.
    Leftover,
    /// What is there is not what was written.
    Damage,
}

/// One sentence: what, where, and what to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    pub severity: Severity,
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Leftover => "leftover",
            Severity::Damage => "damage",
        };
        write!(f, "{severity}: {}", self.what)
    }
}

/// What was looked at, and what was found. Whoever knows more about the bytes adds to it.
#[derive(Clone, Default, Debug)]
pub struct Report {
    pub records: u64,
    pub contents: u64,
    pub files: u64,
    pub entries: u64,
    findings: Vec<Finding>,
    damages: u64,
    leftovers: u64,
}

impl Report {
    /// The first twenty.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// How many there are beyond those.
    #[must_use]
    pub fn untold(&self) -> u64 {
        self.damages + self.leftovers - self.findings.len() as u64
    }

    /// Whether everything is what was written; leftovers may be there.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.damages == 0
    }

    pub fn damage(&mut self, what: impl Into<String>) {
        self.damages += 1;
        self.tell(Severity::Damage, what.into());
    }

    pub fn leftover(&mut self, what: impl Into<String>) {
        self.leftovers += 1;
        self.tell(Severity::Leftover, what.into());
    }

    fn tell(&mut self, severity: Severity, what: String) {
        if self.findings.len() < TOLD_MAX {
            self.findings.push(Finding { severity, what });
        }
    }
}
