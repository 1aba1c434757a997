//! What a monitor may subscribe to (`wire.md` §3).

use crate::Malformed;
use fleet::Fact;

/// A set of topics.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Topics(u8);

impl Topics {
    const NAMES: [&'static str; 7] =
        ["workers", "machines", "jobs", "jobs:status", "jobs:progress", "system_stats", "heartbeat"];
    pub const ALL: Topics = Topics(0x7f);
    const WORKERS: Topics = Topics(1);
    const MACHINES: Topics = Topics(1 << 1 | 1);
    const JOBS: Topics = Topics(1 << 2 | 1 << 3);
    pub const PROGRESS: Topics = Topics(1 << 2 | 1 << 4);
    pub const STATS: Topics = Topics(1 << 5);
    pub const HEARTBEAT: Topics = Topics(1 << 6);

    /// # Errors
    /// Names the topic that is none.
    pub fn parse(names: &str) -> Result<Topics, Malformed> {
        let mut topics = 0;
        for name in names.split(',').filter(|name| !name.is_empty()) {
            let bit = Topics::NAMES.iter().position(|known| *known == name);
            let why = || format!("{name:?} is no topic; there are {}", Topics::NAMES.join(", "));
            topics |= 1 << bit.ok_or_else(|| Malformed::field("topics", why()))?;
        }
        Ok(Topics(topics))
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
