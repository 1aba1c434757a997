//! Limits of shapes, with their unit in the name and what happens at them.

// What those who may not see the rules need to know of them.
pub use fleet::limits::{SERVICE_BYTES_MAX, SLOTS_MAX, WORKERS_PER_MACHINE_MAX};

/// Bytes of an HTTP body. Above: 413.
pub const BODY_BYTES_MAX: usize = 10 << 20;
/// Bytes of a batch of jobs. Above: 413.
pub const BATCH_BYTES_MAX: usize = 32 << 20;
/// Bytes of a payload without insignificant white space. Above: 413.
pub const PAYLOAD_BYTES_MAX: usize = 8 << 20;
/// Bytes of a result. Above: 413, and the worker fails the run.
pub const RESULT_BYTES_MAX: usize = 256 << 10;
/// Payloads and results up to here are told to monitors inline; larger ones by address.
pub const TOLD_BYTES_MAX: usize = 16 << 10;
/// How deep JSON may be nested. Deeper: 400.
pub const NESTING_MAX: usize = 64;
/// How deep requirements may be nested, themselves included; a name with dots counts as what it
/// stands for. Deeper: 400.
pub const REQUIREMENT_DEPTH_MAX: usize = 6;
/// Single values in requirements; an empty list or object counts as one. More: 400.
pub const REQUIREMENT_LEAVES_MAX: usize = 64;
/// Bytes of an error's text. Longer: cut.
pub const ERROR_BYTES_MAX: usize = 8 << 10;
/// Bytes of a refusal's sentence, which may repeat what was sent. Longer: cut.
pub const DETAIL_BYTES_MAX: usize = 1 << 10;
/// Bytes of a progress message. Longer: cut.
pub const MESSAGE_BYTES_MAX: usize = 1 << 10;
/// Labels of a job or machine. More: 400.
pub const LABELS_MAX: usize = 32;
/// Bytes of a label's key or value. Longer: 400.
pub const LABEL_BYTES_MAX: usize = 256;
/// Bytes of a name that a machine or worker tells of itself (host, system, GPU, model), and of a
/// name, dotted path or text in requirements and in `custom`. Longer: 400.
pub const NAME_BYTES_MAX: usize = 256;
/// GPU models of a machine. More: 400.
pub const GPU_MODELS_MAX: usize = 64;
/// Models of a worker, all services together; of those that are loaded, as many again. More: 400.
pub const MODELS_MAX: usize = 2_000;
/// Customers that a worker allows, and that it denies. More: 400.
pub const CUSTOMERS_MAX: usize = 256;
/// Tags of a worker. More: 400.
pub const TAGS_MAX: usize = 256;
/// How deep a worker's `custom` may be nested, itself included. Deeper: 400.
pub const CUSTOM_DEPTH_MAX: usize = REQUIREMENT_DEPTH_MAX;
/// Single values in a worker's `custom`; an empty list or object counts as one. More: 400.
pub const CUSTOM_LEAVES_MAX: usize = 256;
/// Bytes of a worker's services and of all names and texts in its capabilities, of `custom` as it
/// was sent. More: 400.
pub const CAPABILITIES_BYTES_MAX: usize = 64 << 10;
/// Leases that one request may name. More: 400.
pub const LEASES_NAMED_MAX: usize = fleet::limits::REVOKED_PER_MACHINE_MAX;
/// Rows of a list that states no `limit`.
pub const PAGE_DEFAULT: usize = 50;
/// Rows of a list. Above: 400.
pub const PAGE_MAX: usize = 500;
/// Rows of a list that can be passed over. Above: 400, go on with a cursor.
pub const OFFSET_MAX: usize = 10_000;
/// Values of one filter of a list. Above: 400.
pub const FILTER_VALUES_MAX: usize = 256;
/// Bytes of what a socket's message is called by, to be echoed. Longer: not echoed.
pub const REFERENCE_BYTES_MAX: usize = 256;
/// Events in one `resync_response`; more are asked for again.
pub const RESYNC_EVENTS_MAX: usize = 1_000;
/// What a list is searched for. Above: 400.
pub const SEARCH_BYTES_MAX: usize = 1_024;
/// How long a call may wait, in milliseconds. Above: 400.
pub const WAIT_MS_MAX: u64 = 60_000;
/// Pending jobs in a snapshot.
pub const SNAPSHOT_PENDING_MAX: usize = 200;
/// Finished jobs of each kind in a snapshot.
pub const SNAPSHOT_FINISHED_MAX: usize = 200;

const _: () = assert!(TOLD_BYTES_MAX <= RESULT_BYTES_MAX && RESULT_BYTES_MAX <= PAYLOAD_BYTES_MAX);
const _: () = assert!(PAYLOAD_BYTES_MAX < BODY_BYTES_MAX && BODY_BYTES_MAX <= BATCH_BYTES_MAX);
const _: () = assert!(REQUIREMENT_DEPTH_MAX < NESTING_MAX && CUSTOM_DEPTH_MAX < NESTING_MAX);
const _: () = assert!(REQUIREMENT_LEAVES_MAX <= CUSTOM_LEAVES_MAX, "the reader of both keeps no more at once");
