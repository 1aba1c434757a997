//! Every limit the rules know, with its unit in its name and what happens at it.

/// Bytes of an id (`wire.md` §1). Longer: refused at the door.
pub const ID_BYTES_MAX: usize = 128;
/// Bytes of a service's name. Longer: refused at the door.
pub const SERVICE_BYTES_MAX: usize = 128;

/// Largest priority; larger runs first. Above: refused at the door.
pub const PRIORITY_MAX: u32 = 1_000_000;
/// Priority of a job that states none.
pub const PRIORITY_DEFAULT: u32 = 50;
/// Most runs a job may ask for. Above: refused at the door.
pub const ATTEMPTS_MAX: u32 = 100;
/// Runs of a job that states none.
pub const ATTEMPTS_DEFAULT: u32 = 3;
/// Bytes of an idempotency key. Longer: refused at the door.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;
/// Jobs of one batch. More: refused at the door.
pub const BATCH_JOBS_MAX: usize = 1_000;
/// Attempts remembered for each job; the oldest is forgotten beyond it. Attempt numbers go on.
pub const ATTEMPTS_KEPT_MAX: usize = 32;
/// A job whose worker is lost so many times in a row fails as poison.
pub const LOST_IN_A_ROW_MAX: u32 = 3;
/// A job that was handed back or not started so many times fails as undeliverable.
pub const HANDED_BACK_MAX: u32 = 10;
/// A job that a worker handed back or did not start is not offered to it again for so long.
pub const HOLD_OFF_MS: u64 = 30_000;
/// A worker that so many jobs are held off from is offered nothing until one of these ends.
pub const HOLD_OFFS_PER_WORKER_MAX: usize = 64;

/// A lease that is not renewed for so long is lost.
pub const LEASE_MS: u64 = 8_000;
/// How often a worker should renew, told in answers.
pub const RENEW_MS: u64 = 2_500;
/// How often a machine should beat, told in answers.
pub const HEARTBEAT_MS: u64 = 2_500;
/// An assignment that is not started for so long goes back to the queue.
pub const START_MS: u64 = 10_000;
/// After opening a ledger no lease and no machine expires for so long.
pub const OPENING_GRACE_MS: u64 = 2 * LEASE_MS;
/// A machine that says nothing for so long is silent.
pub const MACHINE_SILENT_MS: u64 = 8_000;
/// A machine that says nothing for so long is gone, and its workers with it.
pub const MACHINE_GONE_MS: u64 = 600_000;

/// Most that is waited before the second run of a job that states no backoff.
pub const BACKOFF_BASE_MS: u64 = 1_000;
/// What each further run multiplies it with.
pub const BACKOFF_FACTOR: u32 = 2;
/// Largest factor that may be asked for. Above: refused at the door.
pub const BACKOFF_FACTOR_MAX: u32 = 100;
/// Backoff of a job that states none grows no longer than this.
pub const BACKOFF_MS_MAX: u64 = 300_000;
/// Longest run, silence, wait or backoff that a job may ask for: 30 days. Above: refused at
/// the door.
pub const TIMING_MS_MAX: u64 = 2_592_000_000;
/// The longest delay a worker may ask for with `retry_after_ms`; longer is cut to it.
pub const RETRY_AFTER_MS_MAX: u64 = 86_400_000;

/// A finished job is known for at least so long, for a report that comes twice.
pub const FINISHED_KEPT_MS: u64 = 60_000;
/// So many of the newest completed jobs, and of the newest that failed or were cancelled, are
/// known however old they are, to be shown without the archive.
pub const FINISHED_TAIL: usize = 200;
/// Finished jobs forgotten in one tick at most; the rest follows in the next.
pub const FORGOTTEN_PER_TICK_MAX: usize = 1_000;
/// Jobs in one tick of which a time passed at most; the rest follows in the next.
pub const ALARMS_PER_TICK_MAX: usize = 1_000;
/// Jobs of which one tick ends the delay at most; the rest follows in the next.
pub const WOKEN_PER_TICK_MAX: usize = 2_000;
/// Jobs that one tick looks at at most because workers came or went, to tell which can run now
/// or cannot any more; the rest follows after a pause, so that a worker that is back soon costs
/// few of them two events.
pub const VERDICTS_PER_TICK_MAX: usize = 1_000;
/// That pause.
pub const VERDICTS_PAUSE_MS: u64 = 100;
/// Words of what a job's workers lack, at most; the rest is left out.
pub const MISSING_MAX: usize = 8;
/// For so many sets of requirements it is remembered what workers lack; then all is forgotten.
pub const MISSING_KNOWN_MAX: usize = 10_000;
/// Jobs ahead of another are counted so far; beyond it there are "at least" so many.
pub const AHEAD_COUNTED_MAX: usize = 1_000;
/// Jobs of one class that are looked at one by one to count those ahead; beyond it there are
/// "at least" so many.
pub const AHEAD_LOOKED_AT_MAX: usize = 10 * AHEAD_COUNTED_MAX;

/// Slots of one worker. Above: refused at the door.
pub const SLOTS_MAX: u32 = 64;
/// Services of one worker. Above: refused at the door.
pub const SERVICES_PER_WORKER_MAX: usize = 256;
/// Workers of one machine. Above: refused.
pub const WORKERS_PER_MACHINE_MAX: usize = 64;
/// Machines of one board. Above: refused.
pub const MACHINES_MAX: usize = 10_000;
/// Requirement classes with waiting jobs. Above: submissions of further classes are refused.
pub const CLASSES_MAX: usize = 200_000;
/// Requirement classes remembered although nothing of them waits; beyond it they are swept.
pub const CLASSES_IDLE_MAX: usize = 1_024;
/// Leases that were taken away and not yet asked for by `orders`, for each machine; beyond it
/// the oldest is dropped, and the heartbeat's answer says it instead.
pub const REVOKED_PER_MACHINE_MAX: usize = WORKERS_PER_MACHINE_MAX * SLOTS_MAX as usize;

/// Jobs of one client that have not ended: those it submitted and those it subscribed to one by
/// one. Above: subscriptions and submissions are refused.
pub const FOLLOWED_MAX: usize = 10_000;
/// Workflows that one client subscribed to. Above: refused.
pub const FOLLOWED_WORKFLOWS_MAX: usize = 256;
/// A client's subscription to a job goes so long after the job's end.
pub const FOLLOWED_KEPT_MS: u64 = 86_400_000;
/// A client's subscriptions to jobs that have ended; beyond it that goes of which the job ended first.
pub const FOLLOWED_ENDED_MAX: usize = 10_000;
/// Clients that are known; beyond it the one of the same principal goes that stayed away longest,
/// or of all if that principal has none.
pub const CLIENTS_MAX: usize = 100_000;
/// A client that stays away for so long is forgotten, and what it subscribed to with it.
pub const CLIENT_KEPT_MS: u64 = 86_400_000;
/// That a client still is there is remembered so often; what it has heard, at once.
pub const CLIENT_SEEN_EVERY_MS: u64 = 60_000;

const _: () = assert!(RENEW_MS * 3 <= LEASE_MS, "two renewals may be lost before a lease is");
const _: () = assert!(HEARTBEAT_MS * 3 <= MACHINE_SILENT_MS, "two beats may be lost before a machine is silent");
const _: () = assert!(MACHINE_SILENT_MS < MACHINE_GONE_MS);
const _: () = assert!(BACKOFF_BASE_MS <= BACKOFF_MS_MAX && BACKOFF_MS_MAX <= TIMING_MS_MAX);
const _: () = assert!(BACKOFF_FACTOR <= BACKOFF_FACTOR_MAX);
const _: () = assert!(RETRY_AFTER_MS_MAX <= TIMING_MS_MAX);
const _: () = assert!(START_MS < HOLD_OFF_MS, "an assignment that is not started ends before its hold-off");
const _: () = assert!(HANDED_BACK_MAX as usize <= ATTEMPTS_KEPT_MAX, "hold-offs are replayed from attempts");
const _: () = assert!(CLIENT_SEEN_EVERY_MS < CLIENT_KEPT_MS, "who is there is not forgotten");
const _: () = assert!(BATCH_JOBS_MAX <= CLASSES_MAX && CLASSES_IDLE_MAX <= CLASSES_MAX);
const _: () = assert!(PRIORITY_DEFAULT <= PRIORITY_MAX && ATTEMPTS_DEFAULT <= ATTEMPTS_MAX);
const _: () = assert!(LOST_IN_A_ROW_MAX as usize <= ATTEMPTS_KEPT_MAX);
