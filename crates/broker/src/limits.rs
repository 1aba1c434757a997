//! Limits of the server, with their unit in the name and what happens at them.

use governor::Quota;
use std::num::NonZeroU32;
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
/// Sockets that have everything are pinged so often,
pub const PING_EVERY: Duration = Duration::from_secs(15);
/// and closed when so many pings in a row are not answered.
pub const PONGS_MISSED_MAX: u32 = 2;
/// Submissions of one socket that may wait to be decided; then nothing more is read from it.
pub const SOCKET_SUBMISSIONS_MAX: usize = 256;
/// How far clients have confirmed what they were told is written down so often,
pub const SEEN_EVERY: Duration = Duration::from_secs(15);
/// and that they are there, so often.
pub const SEEN_AT_LEAST_EVERY: Duration = Duration::from_secs(3_600);
/// Connections that may share a client id. One more closes the oldest.
pub const SHARED_CLIENT_MAX: usize = 8;
/// Bytes of one `resync_response`; more is asked for again.
pub const RESYNC_BYTES_MAX: usize = 4 << 20;
/// `system_stats` is told at most so often.
pub const STATS_EVERY: Duration = Duration::from_secs(1);
/// What `retry:` tells an `EventSource`, in milliseconds.
pub const SSE_RETRY_MS: u32 = 2_000;
/// Joined pieces that are kept for watchers who stand at the same place.
pub const ROUNDS_KEPT: usize = 16;
/// What one write to one connection costs, for the tick under load.
pub const WRITE_COST: Duration = Duration::from_micros(5);
/// Telling may take this share of a core before frames are gathered: 1/5.
pub const TELL_SHARE_DIVISOR: u32 = 5;
/// Frames are gathered no longer than this.
pub const TICK_MAX: Duration = Duration::from_millis(250);
/// A tick shorter than this is not worth a timer.
pub const TICK_MIN: Duration = Duration::from_millis(1);

/// Open connections, WebSockets among them. Above: 503 `too_many_connections`.
pub const CONNECTIONS_MAX: usize = 20_000;
/// Open connections from one address. Above: 503 `too_many_connections`.
pub const CONNECTIONS_PER_ADDRESS_MAX: usize = 2_000;
/// So many are told at once that there are too many. Above: closed without a word.
pub const REFUSALS_MAX: usize = 100;
/// What has come with a refusal may be read for so long.
pub const REFUSAL_WAIT: Duration = Duration::from_secs(1);
/// What `Retry-After` tells them.
pub const REFUSED_RETRY_S: u32 = 5;
/// A connection that has bytes to give, and of which none was acknowledged for so long, is closed.
pub const STALL_WAIT: Duration = Duration::from_secs(60);
/// What the kernel holds for one connection until it is acknowledged; it counts twice that, for what it costs.
pub const SEND_BUFFER_BYTES: usize = 128 << 10;
/// Of that so much has not even been sent: what is said now waits behind no more.
pub const UNSENT_BYTES_MAX: u32 = 32 << 10;
/// Of one HTTP connection so much is buffered, each way. A longer head: 431.
pub const HTTP_BUFFER_BYTES_MAX: usize = 64 << 10;
/// Bytes read from a WebSocket at once, into a buffer that is not kept.
pub const READ_BYTES: usize = 16 << 10;
/// A WebSocket's last frame may take so long to arrive.
pub const CLOSE_WAIT: Duration = Duration::from_secs(2);
/// Open streams and sockets, in all, of one principal, and from one address that is not this machine's.
/// Above: 503 `too_many_connections`.
pub const PLACES_MAX: usize = 20_000;
pub const PLACES_PER_PRINCIPAL_MAX: usize = 10_000;
pub const PLACES_PER_ADDRESS_MAX: usize = 2_000;

/// A shorter secret is refused.
pub const SECRET_BYTES_MIN: usize = 16;
/// A longer token file is refused; while the server runs, the tokens of before hold.
pub const TOKEN_FILE_BYTES_MAX: u64 = 1 << 20;
/// So often it is looked whether the token file has changed, and what was issued has run out.
pub const TOKENS_EVERY: Duration = Duration::from_secs(1);
/// Wrong tokens from one address; above: 429 `rate_limited`.
pub const WRONG_TOKENS_QUOTA: Quota = Quota::per_second(per(1)).allow_burst(per(20));
/// Addresses whose wrong tokens are counted apart. Above, they share what one may do.
pub const WRONG_ADDRESSES_MAX: usize = 10_000;
/// Refusals of what somebody may not that are logged; above, they are only counted.
pub const REFUSALS_LOGGED_QUOTA: Quota = Quota::per_second(per(10)).allow_burst(per(100));
/// Sessions and tickets that one principal asks for; above: 429 `rate_limited`.
pub const PASSES_QUOTA: Quota = Quota::per_second(per(50)).allow_burst(per(200));
/// A session ends after this.
pub const SESSION_LIFE: Duration = Duration::from_secs(12 * 3600);
/// Sessions at once. Above: 429 `rate_limited`; of one principal: its oldest ends.
pub const SESSIONS_MAX: usize = 10_000;
pub const SESSIONS_EACH_MAX: usize = 1_000;
/// A ticket holds so long, and once.
pub const TICKET_LIFE: Duration = Duration::from_secs(30);
/// Tickets that were not used yet; as sessions.
pub const TICKETS_MAX: usize = 10_000;
pub const TICKETS_EACH_MAX: usize = 2_000;
/// A browser may remember for so long, in seconds, what it may send here.
pub const PREFLIGHT_S: u32 = 600;

const fn per(times: u32) -> NonZeroU32 {
    match NonZeroU32::new(times) {
        Some(times) => times,
        None => NonZeroU32::MIN,
    }
}

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
