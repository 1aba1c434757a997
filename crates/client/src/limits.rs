//! Limits of the client, with their unit in the name and what happens at them.

/// How long a connection may take to be made, in milliseconds. Longer: unreachable.
pub const CONNECT_MS_MAX: u64 = 5_000;
/// How long a call may take beyond what it asked the broker to wait, in milliseconds. Longer:
/// unreachable.
pub const CALL_MS_MAX: u64 = 10_000;
/// Bytes of an answer. An assignment carries a payload and a `ctx` of 8 MiB each; more is not
/// what the contract says.
pub const ANSWER_BYTES_MAX: usize = 32 << 20;
/// Bytes of a foreign answer (a proxy's page) that are quoted in an error. Longer: cut.
pub const QUOTED_BYTES_MAX: usize = 200;
/// How long a connection is kept unused, in milliseconds, then closed.
pub const IDLE_MS_MAX: u64 = 30_000;
/// How long sent bytes may stay unacknowledged, in milliseconds, before the connection counts as
/// broken. Without it a machine that vanished is noticed only by the kernel, after minutes.
pub const UNACKNOWLEDGED_MS_MAX: u64 = 10_000;

/// Bytes of one line of a stream, and of the data of one event. Longer: the stream ends with an
/// error, since whatever comes after could not be understood.
pub const STREAM_BYTES_MAX: usize = 16 << 20;
/// How long a stream may say nothing, in milliseconds. The broker speaks every 15 s ± 20 %, so a
/// longer silence is a lost connection, and a new one is made.
pub const STREAM_SILENT_MS_MAX: u64 = 45_000;
/// The first pause before a stream is opened again, in milliseconds, until the broker names one
/// by `retry:`.
pub const RECONNECT_MS_DEFAULT: u64 = 1_000;
/// The longest pause before a stream is opened again, in milliseconds; also a `retry:` is cut to it.
pub const RECONNECT_MS_MAX: u64 = 30_000;
/// How often in a row a stream is opened again without one event. More: it ends with the last
/// error. With the pauses above this is about an hour.
pub const RECONNECTS_IN_A_ROW_MAX: u32 = 240;

/// The longest pause that a `Retry-After` can ask for, in milliseconds. Longer: cut to it.
pub const RETRY_AFTER_MS_MAX: u64 = 60_000;
/// Doublings of a backoff. More change nothing, since every backoff has a ceiling.
pub const DOUBLINGS_MAX: u32 = 16;

const _: () = assert!(ANSWER_BYTES_MAX > 2 * wire::limits::PAYLOAD_BYTES_MAX);
const _: () = assert!(RECONNECT_MS_DEFAULT <= RECONNECT_MS_MAX);
const _: () = assert!(CONNECT_MS_MAX < CALL_MS_MAX);
