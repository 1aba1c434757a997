//! What becomes of a position that a watcher comes back with.

use wire::EventId;
use wire::monitor::ResyncReason;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Resume {
    /// It is ours: go on after it.
    From(EventId),
    Expired,
    Ahead,
    Diverged,
    Malformed,
    /// The store is away, so nobody can tell.
    Away,
}

impl Resume {
    /// Why the watcher has to begin anew; `None` if it does not have to.
    pub(crate) fn resync(self) -> Option<ResyncReason> {
        match self {
            Resume::From(_) | Resume::Away => None,
            Resume::Expired => Some(ResyncReason::Expired),
            Resume::Ahead => Some(ResyncReason::Ahead),
            Resume::Diverged => Some(ResyncReason::Diverged),
            Resume::Malformed => Some(ResyncReason::Malformed),
        }
    }
}
