//! The roles, and sets of them.

use std::fmt;
use std::ops::BitOr;

/// A set of roles (`wire.md` §12).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Roles(u8);

const WORDS: [(&str, Roles); 4] =
    [("client", Roles::CLIENT), ("monitor", Roles::MONITOR), ("worker", Roles::WORKER), ("admin", Roles::ADMIN)];

impl Roles {
    pub(crate) const NONE: Roles = Roles(0);
    pub(crate) const CLIENT: Roles = Roles(1);
    pub(crate) const MONITOR: Roles = Roles(1 << 1);
    pub(crate) const WORKER: Roles = Roles(1 << 2);
    pub(crate) const ADMIN: Roles = Roles(1 << 3);
    pub(crate) const ALL: Roles = Roles(0xf);

    pub(crate) fn has_any(self, of: Roles) -> bool {
        self.0 & of.0 != 0
    }

    pub(crate) const fn and(self, other: Roles) -> Roles {
        Roles(self.0 | other.0)
    }

    /// One role by its word.
    pub(crate) fn of_word(word: &str) -> Option<Roles> {
        WORDS.iter().find(|(known, _)| *known == word).map(|(_, role)| *role)
    }

    pub(crate) fn words(self) -> impl Iterator<Item = &'static str> {
        WORDS.into_iter().filter(move |(_, role)| self.has_any(*role)).map(|(word, _)| word)
    }
}

impl BitOr for Roles {
    type Output = Roles;

    fn bitor(self, other: Roles) -> Roles {
        self.and(other)
    }
}

impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words().collect::<Vec<_>>().join("+"))
    }
}

impl fmt::Debug for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Roles({self})")
    }
}
