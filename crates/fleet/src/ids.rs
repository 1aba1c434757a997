//! Names that come from outside and secrets that must not leave again.

use crate::limits;
use std::fmt;
use std::sync::Arc;

/// A checked id: `[A-Za-z0-9][A-Za-z0-9._:@=+~-]{0,127}`. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(Arc<str>);

/// Why a text is no id.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum IdError {
    #[error("must not be empty")]
    Empty,
    #[error("is {bytes} bytes long; at most {max} are allowed", max = limits::ID_BYTES_MAX)]
    TooLong { bytes: usize },
    #[error(
        "may not contain {found:?}; allowed are letters, digits and . _ : @ = + ~ -, beginning with a letter or digit"
    )]
    BadCharacter { found: char },
}

impl Id {
    /// # Errors
    /// Names the first rule that `text` breaks.
    pub fn parse(text: &str) -> Result<Id, IdError> {
        let first = text.chars().next().ok_or(IdError::Empty)?;
        if text.len() > limits::ID_BYTES_MAX {
            return Err(IdError::TooLong { bytes: text.len() });
        }
        if !first.is_ascii_alphanumeric() {
            return Err(IdError::BadCharacter { found: first });
        }
        if text.bytes().all(is_allowed) {
            return Ok(Id(text.into()));
        }
        let found = text.chars().find(|c| !u8::try_from(*c).is_ok_and(is_allowed));
        Err(IdError::BadCharacter { found: found.unwrap_or(first) })
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_allowed(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b':' | b'@' | b'=' | b'+' | b'~' | b'-')
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Id);

        impl $name {
            /// # Errors
            /// As [`Id::parse`].
            pub fn parse(text: &str) -> Result<$name, IdError> {
                Id::parse(text).map($name)
            }

            #[must_use]
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    )*};
}

ids! {
    /// A job, unique on the board.
    JobId,
    /// A worker, unique on the board.
    WorkerId,
    /// A machine, unique on the board.
    MachineId,
    /// Whom a job is done for.
    CustomerId,
    /// What a job is a step of.
    WorkflowId,
    /// Whoever holds one token; `local` where there are none.
    PrincipalId,
    /// One client program of a principal.
    ClientId
}

impl Default for PrincipalId {
    fn default() -> PrincipalId {
        PrincipalId(Id("local".into()))
    }
}

/// The name of what a worker can do and a job needs: 1 to 128 bytes without control characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Service(Arc<str>);

impl Service {
    /// # Errors
    /// Names the rule that `text` breaks.
    pub fn parse(text: &str) -> Result<Service, IdError> {
        if text.is_empty() {
            return Err(IdError::Empty);
        }
        if text.len() > limits::SERVICE_BYTES_MAX {
            return Err(IdError::TooLong { bytes: text.len() });
        }
        match text.chars().find(|c| c.is_control()) {
            Some(found) => Err(IdError::BadCharacter { found }),
            None => Ok(Service(text.into())),
        }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names one lease and proves that one holds it: 128 random bits, a secret. It prints as
/// dots, so that it reaches no log by accident.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeaseId(pub u128);

impl fmt::Debug for LeaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LeaseId(…)")
    }
}

/// Names one registration of a worker; a later one replaces it. Random, so that two copies
/// of a worker cannot pass for one another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SessionId(pub u64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_what_the_wire_says_it_is() {
        for good in ["a", "0", "job-1", "a.b_c:d@e=f+g~h", &"x".repeat(128)] {
            assert!(Id::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", ".a", "a b", "a/b", "ä", "a\n", &"x".repeat(129)] {
            assert!(Id::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_lease_id_does_not_print_itself() {
        assert_eq!(format!("{:?}", LeaseId(42)), "LeaseId(…)");
    }
}
