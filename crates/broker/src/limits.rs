//! Limits of the server, with their unit in the name and what happens at them.

use std::time::Duration;

/// Asks that wait to be decided. Full: 503 `inbox_full` with `Retry-After`.
pub const INBOX_ASKS_MAX: usize = 10_000;
/// Asks decided in one batch, checked before each further one; many jobs at once count as so many.
pub const BATCH_ASKS_MAX: usize = 1_000;
/// Bytes of contents in one batch, checked before each further ask.
pub const BATCH_BYTES_MAX: usize = 16 << 20;

/// Contents up to this size are written with their record, larger ones to a file before it.
pub const INLINE_BYTES_MAX: usize = 64 << 10;
/// Bytes of contents that stay in memory after they were written. Older ones are read from the store.
pub const RECENT_BYTES_MAX: usize = 32 << 20;
/// What one of them costs beside its bytes.
pub const RECENT_OVERHEAD_BYTES: usize = 128;
/// A submission that is decided later than this after its door looked into the archive is refused,
/// 503: a job that ended meanwhile may be known there only.
pub const ASK_AGE_MAX: Duration = Duration::from_secs(20);

/// A deadline that is met so late means that deciding stood still, not that nobody was there.
pub const LATE_MS: u64 = 1_000;

/// So often deciding looks whether it was away …
pub const AWAKE_EVERY: Duration = Duration::from_millis(250);

/// … which it was if it looks so much later than it meant to. Who lives is heard in a shorter time
/// three times before its lease ends.
pub const AWAY_MIN: Duration = Duration::from_secs(1);

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
/// A checkpoint is written when so many parts of the state have changed,
pub const CHECKPOINT_PARTS: usize = 100_000;
/// or after so many events,
pub const CHECKPOINT_EVENTS: u64 = 300_000;
/// or when something has changed and the last one is so long ago, unless another time is set.
pub const CHECKPOINT_EVERY: Duration = Duration::from_secs(60);
/// Parts taken from the view at once: about a millisecond in which nothing is told.
pub const CUT_PARTS_MAX: usize = 500;

/// When so many parts have changed, and more than there are, none is noted any longer: the next
/// checkpoint is of everything.
pub const CHANGED_PARTS_MAX: usize = 2 * CHECKPOINT_PARTS;

/// What keeps the store in order looks so often.
pub const KEEP_EVERY: Duration = Duration::from_secs(1);
/// What has grown too old is looked for every so many looks.
pub const RETAIN_EVERY_LOOKS: u32 = 60;
/// Ended jobs are kept at least so long, whatever is set: their ids and keys must stay taken.
pub const ARCHIVE_AGE_MIN: Duration = Duration::from_secs(24 * 3600);
/// Files that no record names are removed after this.
pub const FILE_AGE_MIN: Duration = Duration::from_secs(3600);
/// Such files are looked for so often.
pub const SWEEP_EVERY: Duration = Duration::from_secs(600);
/// Files looked at in one go.
pub const SWEEP_FILES_MAX: usize = 1_000;
/// Ranges of contents removed in one transaction.
pub const REMOVED_RANGES_MAX: usize = 100;

/// Ended jobs put into the archive at once.
pub const ARCHIVED_AT_ONCE_MAX: usize = 2_000;
/// Bytes of records the archive reads at once.
pub const ARCHIVE_READ_BYTES_MAX: usize = 4 << 20;
/// The archive gathers for so long what ends, to write it at once.
pub const ARCHIVE_EVERY: Duration = Duration::from_millis(200);
/// How far the archive has read is written down at least so often, also when nothing ended.
pub const ARCHIVE_PLACE_EVERY: Duration = Duration::from_secs(5);
/// Text of one job that is kept to be searched.
pub const SEARCHED_BYTES_MAX: usize = 64 << 10;

/// Counting the jobs of a filter stops here: `total_is` is `at_least` then.
pub const COUNT_MAX: u64 = 10_000;
/// Ended jobs that a list looks at in memory at once: about a millisecond in which nothing is told.
pub const LISTED_AT_ONCE_MAX: usize = 2_000;
/// `?after=` waits so long until this node has seen the event.
pub const AFTER_WAIT: Duration = Duration::from_secs(2);

/// A watcher that needs the journal while the store is away looks again after this.
pub const AWAY_WAIT: Duration = Duration::from_secs(1);
/// Waits between tries to open a store that went away.
pub const REOPEN_MIN: Duration = Duration::from_millis(100);
pub const REOPEN_MAX: Duration = Duration::from_secs(5);
/// While the disk is full, between tries to write what was decided.
pub const ROOM_MAX: Duration = Duration::from_secs(1);
/// Bytes of the checkpoint read at once at a start.
pub const READ_AHEAD_BYTES_MAX: usize = 2 << 20;
/// Bytes read from the journal at once while it is replayed.
pub const REPLAY_BYTES_MAX: usize = 8 << 20;

const _: () = assert!(LATE_MS < fleet::limits::LEASE_MS);
const _: () = assert!(BATCH_ASKS_MAX <= INBOX_ASKS_MAX);
const _: () = assert!(wire::limits::PAYLOAD_BYTES_MAX <= BATCH_BYTES_MAX);
// What a door looked up must hold until it is decided.
const _: () = assert!(2 * ASK_AGE_MAX.as_millis() as u64 <= fleet::limits::FINISHED_KEPT_MS);
