//! What a monitor may subscribe to (`wire.md` §3).

use crate::Malformed;
use fleet::Fact;

/// A set of topics.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Topics(u8);

impl Topics {
    pub(crate) const NAMES: [&'static str; 7] =
        ["workers", "machines", "jobs", "jobs:status", "jobs:progress", "system_stats", "heartbeat"];
    pub const ALL: Topics = Topics(0x7f);
    const WORKERS: Topics = Topics(1);
    const MACHINES: Topics = Topics(1 << 1 | 1);
    const JOBS: Topics = Topics(1 << 2 | 1 << 3);
    pub const PROGRESS: Topics = Topics(1 << 2 | 1 << 4);
    pub const STATS: Topics = Topics(1 << 5);
    pub const HEARTBEAT: Topics = Topics(1 << 6);

    /// Those of a list with commas.
    ///
    /// # Errors
    /// Names the topic that is none.
    pub fn parse(names: &str) -> Result<Topics, Malformed> {
        Topics::of_names(names.split(',').filter(|name| !name.is_empty()))
    }

    /// # Errors
    /// Names the topic that is none.
    pub fn of_names<'a>(names: impl Iterator<Item = &'a str>) -> Result<Topics, Malformed> {
        let mut topics = 0;
        for name in names {
            let bit = Topics::NAMES.iter().position(|known| *known == name);
            let shown = crate::words::cut(name.to_owned(), 64);
            let why = || format!("{shown:?} is no topic; there are {}", Topics::NAMES.join(", "));
            topics |= 1 << bit.ok_or_else(|| Malformed::field("topics", why()))?;
        }
        Ok(Topics(topics))
    }

    /// Their names, in the order of `wire.md`.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Topics::NAMES.into_iter().enumerate().filter(move |(bit, _)| self.0 & (1 << bit) != 0).map(|(_, name)| name)
    }

    /// The topics that an event belongs to.
    #[must_use]
    pub fn of(fact: &Fact) -> Topics {
        match fact {
            Fact::MachineJoined { .. }
            | Fact::MachineChanged { .. }
            | Fact::MachineSilent { .. }
            | Fact::MachineLeft { .. } => Topics::MACHINES,
            Fact::WorkerJoined { .. }
            | Fact::WorkerDeclared { .. }
            | Fact::WorkerDrained { .. }
            | Fact::WorkerTurned { .. }
            | Fact::ServiceTurned { .. }
            | Fact::ServicePaused { .. }
            | Fact::WorkerLeft { .. } => Topics::WORKERS,
            _ => Topics::JOBS,
        }
    }

    #[must_use]
    pub fn shares(self, other: Topics) -> bool {
        self.0 & other.0 != 0
    }
}
