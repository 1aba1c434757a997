//! A point in time, as the rules see it.

use std::ops::Add;

/// Unix milliseconds. Where it comes from is the caller's business; it never goes backwards
/// between two calls of `Ledger::handle`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Milliseconds from `earlier` to `self`, zero if it is later.
    #[must_use]
    pub fn since(self, earlier: Timestamp) -> u64 {
        u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0)
    }
}

/// Later by so many milliseconds.
impl Add<u64> for Timestamp {
    type Output = Timestamp;

    fn add(self, ms: u64) -> Timestamp {
        Timestamp(self.0.saturating_add(i64::try_from(ms).unwrap_or(i64::MAX)))
    }
}
