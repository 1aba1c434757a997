//! The words of the outside for the values of `fleet`, each written once.

use fleet::{Declared, FailureKind, Isolation, Phase, Status, WorkerStatus};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident for $of:ty { $($variant:ident),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($variant),* }

        impl From<$of> for $name {
            fn from(value: $of) -> $name {
                match value { $(<$of>::$variant => $name::$variant),* }
            }
        }

        impl From<$name> for $of {
            fn from(value: $name) -> $of {
                match value { $($name::$variant => <$of>::$variant),* }
            }
        }
    };
}

words! {
    /// The status of a job.
    JobStatus for Status { Pending, Assigned, InProgress, Completed, Failed, Cancelled }
}
impl JobStatus {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            JobStatus::Pending => "pending",
            JobStatus::Assigned => "assigned",
            JobStatus::InProgress => "in_progress",
            JobStatus::Completed => "completed",
            JobStatus::Failed => "failed",
            JobStatus::Cancelled => "cancelled",
        }
    }
}

words! {
    /// How a worker is shown.
    WorkerWord for WorkerStatus { Idle, Busy, Draining, Error, Offline }
}
words! {
    /// What a worker says of itself.
    DeclaredWord for Declared { Ready, Draining, Error }
}
words! {
    /// How far a machine's start is.
    PhaseWord for Phase { Starting, Configuring, Ready }
}
words! {
    /// What kind of failure it was.
    FailureType for FailureKind {
        BadInput, Refusal, OutOfMemory, ServiceDown, Timeout, RateLimit, Auth, Network, BadOutput, Internal, Broker,
    }
}

words! {
    /// How far a worker keeps the jobs of different customers apart.
    IsolationWord for Isolation { Strict, Loose, None }
}

impl Default for IsolationWord {
    fn default() -> IsolationWord {
        Isolation::default().into()
    }
}

/// Cuts a text that is too long at a character, and says whether it did.
pub(crate) fn cut(mut text: String, bytes_max: usize) -> String {
    if text.len() > bytes_max {
        let end = (0..=bytes_max).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
    }
    text
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        out.extend([byte >> 4, byte & 15].map(|digit| char::from(DIGITS[usize::from(digit)])));
    }
    out
}

pub(crate) fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let bytes = text.as_bytes();
    if bytes.len() != 2 * N || !bytes.iter().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut out = [0; N];
    for (at, pair) in out.iter_mut().zip(bytes.chunks_exact(2)) {
        *at = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(out)
}
