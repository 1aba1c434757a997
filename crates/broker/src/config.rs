//! What can be set. The binary reads flags and environment; here they are values.

use crate::access::{AllowOrigin, KnownToken};
use crate::limits;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

/// How the server behaves.
#[derive(Clone, Debug)]
pub struct Config {
    /// Names beside loopback's that a request's `Host` may have.
    pub allow_hosts: Vec<String>,
    /// Answer to any `Host`: the server listens for more than loopback.
    pub any_host: bool,
    /// Whoever shows one of these is let in. Without any, and without a file, everyone may everything.
    pub tokens: Vec<KnownToken>,
    /// More of them, one a line; read again when it changes.
    pub token_file: Option<PathBuf>,
    /// Pages of elsewhere that may speak to this server.
    pub allow_origins: Vec<AllowOrigin>,
    /// Submissions that one principal may send in a second; each job of a batch is one.
    pub rate_limit: Option<NonZeroU32>,
    /// Monitors are shown no payloads and no results.
    pub redact_payloads: bool,
    #[doc(hidden)]
    pub ticket_life: Duration,
    /// The kind of store, for `/health`.
    pub store_kind: String,
    /// A waiting job older than this goes before all younger ones. `None`: order is strict.
    pub starve_after: Option<Duration>,
    /// Records of the journal are kept for so long, for those who come back and to replay them;
    /// fewer if they are more than so many bytes.
    pub journal_keep: KeepFor,
    /// Jobs that have ended are kept for so long (24 h at least); payloads and results of the
    /// oldest are dropped when all are more than so many bytes.
    pub archive_keep: KeepFor,
    /// When something has changed, a checkpoint is written at the latest after this: a start after a
    /// crash replays no more than that.
    pub checkpoint_every: Duration,
    /// How long ended jobs stay in memory after the archive has them, and how many of the newest
    /// do whatever their age. Not less than the default but in tests: what is forgotten sooner
    /// than a submission is decided could be taken in twice.
    #[doc(hidden)]
    pub ended_kept: Duration,
    #[doc(hidden)]
    pub ended_tail: usize,
    /// What keeps the store in order looks so often.
    #[doc(hidden)]
    pub keep_every: Duration,
    /// Keep the text of ended jobs, so that `q` finds them.
    pub search: bool,
    /// Told by `/version`.
    pub version: String,
}

/// How much is kept of something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeepFor {
    pub age: Duration,
    pub bytes: u64,
}

const DAY: Duration = Duration::from_secs(24 * 3600);

impl Default for Config {
    fn default() -> Config {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        Config {
            allow_hosts: Vec::new(),
            any_host: false,
            tokens: Vec::new(),
            token_file: None,
            allow_origins: Vec::new(),
            rate_limit: None,
            redact_payloads: false,
            ticket_life: limits::TICKET_LIFE,
            store_kind: "memory".to_owned(),
            starve_after: None,
            journal_keep: KeepFor { age: DAY, bytes: 4 << 30 },
            archive_keep: KeepFor { age: 90 * DAY, bytes: 50 << 30 },
            checkpoint_every: limits::CHECKPOINT_EVERY,
            ended_kept: Duration::from_millis(fleet::limits::FINISHED_KEPT_MS),
            ended_tail: fleet::limits::FINISHED_TAIL,
            keep_every: limits::KEEP_EVERY,
            search: false,
            version,
        }
    }
}

impl Config {
    /// What of this the rules have to know.
    pub(crate) fn rules(&self) -> fleet::Rules {
        let ms = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        fleet::Rules {
            starve_after_ms: self.starve_after.map(ms),
            finished_kept_ms: ms(self.ended_kept),
            finished_tail: self.ended_tail,
        }
    }
}
