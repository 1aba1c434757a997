//! Limits of the agent, with their unit in the name and what happens at them.

/// How long `next` and `orders` ask the broker to wait, in milliseconds; then they ask again.
pub const WAIT_MS: u64 = 30_000;
/// The shortest pause after an answer without a job or an order, in milliseconds, so that a broker
/// that does not wait is not asked in a tight loop.
pub const EMPTY_PAUSE_MS: u64 = 200;
/// The first pause after a call that failed, in milliseconds.
pub const BACKOFF_BASE_MS: u64 = 100;
/// The longest pause after a call that failed, in milliseconds: a broker that returns has its
/// machines back within it.
pub const BACKOFF_MS_MAX: u64 = 5_000;
/// How often a machine beats before the broker has named a rate, in milliseconds.
pub const HEARTBEAT_MS_DEFAULT: u64 = 2_500;
/// The slowest beat, in milliseconds. A broker that asks for a slower one is not obeyed.
pub const HEARTBEAT_MS_MAX: u64 = 60_000;
/// The fastest beat, in milliseconds. A broker that asks for a faster one is not obeyed.
pub const HEARTBEAT_MS_MIN: u64 = 50;
/// A heartbeat that is not answered for so many intervals is given up for the next one …
pub const HEARTBEAT_PATIENCE: u32 = 2;
/// … but not before it had so long, in milliseconds.
pub const HEARTBEAT_PATIENCE_MS_MIN: u64 = 1_000;
/// When the agent ends: how long an answer that may be on its way with a job is waited for, in
/// milliseconds. A job that is missed comes back to the queue when its lease runs out.
pub const LINGER_MS: u64 = 300;
/// Pause between two reports of progress of one job, in milliseconds; those between are skipped.
pub const PROGRESS_PAUSE_MS: u64 = 100;
/// How long after a registration that had to be repeated an earlier one of our own may still reach
/// the broker, in milliseconds. A session that is replaced later was taken over.
pub const ECHO_MS_MAX: u64 = 5_000;
/// How long a program that TERM or INT ended waits for the agent to be told to end too, in
/// milliseconds: both are told at once, and the program may be quicker. Longer: a failed run.
pub const TOGETHER_MS: u64 = 500;
/// How long a result is offered to a broker that cannot be reached, in milliseconds. A day later
/// the job has long been given to others: it is thrown away with a log line.
pub const REPORT_MS_MAX: u64 = 86_400_000;
/// Bytes of what the broker said when it refused a report, in the report that follows. Longer: cut.
pub const REFUSAL_BYTES_MAX: usize = 512;
/// Leases whose end the broker did not take and that are remembered, so that none runs twice. More:
/// the oldest is forgotten.
pub const GIVEN_UP_MAX: usize = 256;
/// How long a lease lasts before the broker has said it, in milliseconds.
pub const LEASE_MS_DEFAULT: u64 = 60_000;
/// The longest that a lease is taken to last, in milliseconds. A longer one is not believed.
pub const LEASE_MS_MAX: u64 = 86_400_000;
/// When the agent ends: how long results, releases and goodbyes may still take, in milliseconds.
/// Later the broker notices by itself, after a lease's time.
pub const FAREWELL_MS_MAX: u64 = 5_000;

/// What the broker would refuse is refused in the config.
pub use wire::limits::{SERVICE_BYTES_MAX, SLOTS_MAX, WORKERS_PER_MACHINE_MAX as WORKERS_MAX};
/// Seconds of any duration in the config: 30 days. More: refused.
pub const CONFIG_SECONDS_MAX: u64 = 2_592_000;
/// Bytes of a config file. Longer: refused.
pub const CONFIG_BYTES_MAX: u64 = 1 << 20;
/// Steps of a simulated job. More: refused in the config.
pub const STEPS_MAX: u32 = 100_000;

/// Arguments that a payload may add. More: `bad_input`.
pub const JOB_ARGS_MAX: usize = 64;
/// Bytes of one argument that a payload adds. Longer: `bad_input`.
pub const JOB_ARG_BYTES_MAX: usize = 4 << 10;
/// Bytes of one line of standard output, and of all results and errors of one job, unless its
/// service says otherwise. More: `bad_output`.
pub const OUTPUT_BYTES_DEFAULT: usize = 1 << 20;
/// The most that a service may allow, in bytes. More: refused in the config.
pub const OUTPUT_BYTES_MAX: usize = 1 << 30;
/// Bytes of a line in the log. Longer: cut.
pub const LOG_LINE_BYTES_MAX: usize = 8 << 10;
/// Lines of one job in the log. More: dropped, with a last line that says so.
pub const LOG_LINES_MAX: u32 = 10_000;
/// Bytes of standard error that are kept to explain a failure: the last ones.
pub const STDERR_TAIL_BYTES_MAX: usize = 4 << 10;
/// Bytes read from a pipe at once.
pub const READ_BYTES: usize = 16 << 10;
/// How long pipes are read after their program has ended, in milliseconds. Longer: somebody who
/// left the process group holds them open, and what he says is not waited for.
pub const PIPES_MS_MAX: u64 = 1_000;
/// How often a process group is looked at while it has time to end, in milliseconds.
pub const GROUP_LOOK_MS: u64 = 50;
/// How long a killed program may take to vanish, in milliseconds. Longer (it hangs in a driver):
/// it is left to the kernel and its job goes on without it.
pub const KILLED_MS_MAX: u64 = 5_000;

const _: () = assert!(WAIT_MS <= wire::limits::WAIT_MS_MAX);
const _: () = assert!(BACKOFF_BASE_MS <= BACKOFF_MS_MAX);
const _: () = assert!(HEARTBEAT_MS_MIN <= HEARTBEAT_MS_DEFAULT && HEARTBEAT_MS_DEFAULT <= HEARTBEAT_MS_MAX);
const _: () = assert!(GIVEN_UP_MAX + SLOTS_MAX as usize <= wire::limits::LEASES_NAMED_MAX);
const _: () = assert!(STDERR_TAIL_BYTES_MAX <= wire::limits::ERROR_BYTES_MAX);
/// A service that failed as down is tried again after so long.
pub const SERVICE_REST_MS: u64 = 30_000;
