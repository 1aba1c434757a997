//! Limits of the server, with their unit in the name and what happens at them.

use std::time::Duration;

/// Asks that wait to be decided. Full: 503 `inbox_full` with `Retry-After`.
pub const INBOX_ASKS_MAX: usize = 10_000;
/// Asks decided in one batch, checked before each further one; many jobs at once count as so many.
pub const BATCH_ASKS_MAX: usize = 1_000;
/// Bytes of blobs in one batch, checked before each further ask.
pub const BATCH_BLOB_BYTES_MAX: usize = 16 << 20;

/// A deadline that is met so late means that deciding stood still, not that nobody was there.
pub const LATE_MS: u64 = 1_000;

/// Encoded events kept in memory for watchers that fall behind. Older ones are read from the journal.
pub const LOG_BYTES_MAX: usize = 64 << 20;
pub const LOG_EVENTS_MAX: usize = 200_000;
/// Events kept for those who watch one job. Older ones are read from the journal.
pub const TRAIL_EVENTS_MAX: usize = 10_000;
/// Bytes read from the journal for one step of catching up.
pub const CATCH_UP_BYTES_MAX: usize = 1 << 20;
/// Bytes given to a connection in one piece.
pub const PIECE_BYTES_MAX: usize = 256 << 10;

/// A position ahead of ours is waited for so long before it is told to be `ahead`.
pub const AHEAD_WAIT: Duration = Duration::from_secs(1);
/// A stream says where it is so often (± 20 %), also while all it tells is passing.
pub const BOOKMARK_EVERY: Duration = Duration::from_secs(15);
/// Every monitor is told the head so often.
pub const HEARTBEAT_ACK_EVERY: Duration = Duration::from_secs(30);
/// Passing messages of one key are told at most so often on one connection: ten a second.
pub const PASSING_EVERY: Duration = Duration::from_millis(100);
/// `system_stats` is told at most so often.
pub const STATS_EVERY: Duration = Duration::from_secs(1);
/// What `retry:` tells an `EventSource`, in milliseconds.
pub const SSE_RETRY_MS: u32 = 2_000;
/// What one write to one connection costs, for the tick under load.
pub const WRITE_COST: Duration = Duration::from_micros(5);
/// Telling may take this share of a core before frames are gathered: 1/5.
pub const TELL_SHARE_DIVISOR: u32 = 5;
/// Frames are gathered no longer than this.
pub const TICK_MAX: Duration = Duration::from_millis(250);
/// A tick shorter than this is not worth a timer.
pub const TICK_MIN: Duration = Duration::from_millis(1);

/// Open connections. Above: accepted and closed at once.
pub const CONNECTIONS_MAX: usize = 20_000;
/// A request's head must arrive within this.
pub const HEAD_WAIT: Duration = Duration::from_secs(10);
/// A request's body must arrive within this.
pub const BODY_WAIT: Duration = Duration::from_secs(60);
/// Streams and requests may end in peace for so long at shutdown.
pub const SHUTDOWN_WAIT: Duration = Duration::from_secs(5);

/// The last checkpoint may take so long; without it the next start replays more.
pub const CHECKPOINT_WAIT: Duration = Duration::from_secs(30);

/// Jobs looked at for one page of a list; the page may be short, its cursor goes on.
pub const LIST_SCAN_MAX: usize = 20_000;

/// A watcher that needs the journal while the store is away looks again after this.
pub const AWAY_WAIT: Duration = Duration::from_secs(1);
/// Waits between tries to open a store that went away.
pub const REOPEN_MIN: Duration = Duration::from_millis(100);
pub const REOPEN_MAX: Duration = Duration::from_secs(5);
/// Records replayed at start after which a checkpoint is written before anything is decided.
pub const REPLAYED_RECORDS_MAX: usize = 10_000;
/// Bytes read from the journal at once while it is replayed.
pub const REPLAY_BYTES_MAX: usize = 8 << 20;

const _: () = assert!(LATE_MS < fleet::limits::LEASE_MS);
const _: () = assert!(BATCH_ASKS_MAX <= INBOX_ASKS_MAX);
const _: () = assert!(wire::limits::PAYLOAD_BYTES_MAX <= BATCH_BLOB_BYTES_MAX);
