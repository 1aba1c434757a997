import type { Draft } from "./draft";
import type { Job } from "./fleet";
import { tally } from "./machines";
import type { JobRow, MonitorMessage, Snapshot } from "./wire/types";

type Of<T extends MonitorMessage["type"]> = Extract<MonitorMessage, { readonly type: T }>;

/** Waiting jobs kept in order, more than are shown; the rest is only counted. */
const PENDING_MAX = 2_000;
/** Ended jobs kept of each kind. */
const FINISHED_MAX = 200;

/** How the broker begins the error of a job whose time was over; a row has no other sign of it. */
const EXPIRED = "Job expired: ";

/** A run of which no worker has said anything. */
const NOTHING_HEARD = { progress: null, progress_message: null };

export function replaceAll(draft: Draft, { jobs, system_stats }: Snapshot): void {
  const meet = (row: JobRow): Job => ({ ...row, nth: nextNth(draft), isExpired: saysExpired(row) });
  const active = jobs.active.toSorted(byAge).map(meet);
  draft.active.replace(new Map(active.map((job) => [job.id, job])));
  draft.pending.replace(jobs.pending.map(meet));
  draft.completed.replace(jobs.completed.map(meet));
  draft.failed.replace(jobs.failed.map(meet));
  draft.pendingCount = system_stats.pending_jobs;
  draft.completedCount = system_stats.completed_jobs;
  draft.failedCount = system_stats.failed_jobs;
  draft.hasStrangers = false;
}

function saysExpired({ status, error }: JobRow): boolean {
  return status === "failed" && error?.startsWith(EXPIRED) === true;
}

function nextNth(draft: Draft): number {
  draft.met += 1;
  return draft.met;
}

function byAge(a: JobRow, b: JobRow): number {
  return (a.assigned_at ?? 0) - (b.assigned_at ?? 0) || (a.id < b.id ? -1 : 1);
}

export function submitted(draft: Draft, { job_data }: Of<"job_submitted">): void {
  const { id, job_type, status, priority, rank, created_at, max_retries } = job_data;
  const asked = { job_type, priority, rank, max_retries };
  const nth = nextNth(draft);
  enqueue(draft, { id, status, created_at, ...asked, retry_count: 0, nth, isExpired: false });
}

/** No worker of the fleet could run it. */
export function becameUnschedulable(draft: Draft, { job_id, missing }: Of<"job_unschedulable">): void {
  lacks(draft, job_id, missing);
}

/** Some worker of the fleet could, now or when it is free. */
export function becameSchedulable(draft: Draft, { job_id }: Of<"job_schedulable">): void {
  lacks(draft, job_id, null);
}

function lacks(draft: Draft, id: string, missing: readonly string[] | null): void {
  const at = draft.pending.now.findIndex((job) => job.id === id);
  const job = draft.pending.now[at];
  if (job) draft.pending.mine[at] = { ...job, missing };
}

export function assigned(
  draft: Draft,
  { job_id, worker_id, assigned_at, new_status }: Of<"job_assigned">,
): void {
  const job = takePending(draft, job_id) ?? meetStranger(draft, job_id);
  const lease = {
    status: new_status,
    worker_id,
    assigned_at,
    started_at: null,
    retry_at: null,
    missing: null,
    ...NOTHING_HEARD,
  };
  draft.active.mine.set(job_id, { ...job, ...lease });
}

/** Work began, or the job went back to the queue. */
export function turned(draft: Draft, message: Of<"job_status_changed">): void {
  const { job_id, new_status: status, timestamp } = message;
  if (status !== "pending") {
    const job = draft.active.now.get(job_id);
    if (job) draft.active.mine.set(job_id, { ...job, status, started_at: timestamp });
    return;
  }
  const job = takeActive(draft, job_id) ?? meetStranger(draft, job_id);
  const isRunLost = message.reason === "failed";
  if (isRunLost && message.worker_id) tally(draft, message.worker_id, "total_jobs_failed");
  const retry_count = job.retry_count + (isRunLost ? 1 : 0);
  const retry_at = message.retry_at ?? null;
  enqueue(draft, { ...job, status, retry_count, retry_at, missing: null, ...NOTHING_HEARD });
}

export function progressed(draft: Draft, message: Of<"update_job_progress">): void {
  const job = draft.active.now.get(message.job_id);
  // What an earlier run said may still be on its way.
  if (!job || job.worker_id !== message.worker_id) return;
  const { progress } = message;
  draft.active.mine.set(job.id, { ...job, progress, progress_message: message.message ?? null });
}

export function completed(draft: Draft, { job_id, worker_id, completed_at }: Of<"complete_job">): void {
  const job = takeActive(draft, job_id) ?? meetStranger(draft, job_id);
  tally(draft, worker_id, "total_jobs_completed");
  draft.completedCount += 1;
  finish(draft.completed.mine, { ...job, status: "completed", worker_id, completed_at, progress: 1 });
}

/** Failed for good, expired, or cancelled. */
export function failed(draft: Draft, message: Of<"job_failed">): void {
  const { job_id, worker_id, error, failed_at } = message;
  const isCancelled = message.cancelled === true;
  const isExpired = message.expired === true;
  // Only a job that was held names a worker.
  const job =
    (worker_id ? takeActive(draft, job_id) : takePending(draft, job_id)) ?? meetStranger(draft, job_id);
  // The broker's own verdict on a lost job is no failed run.
  const isRunLost = !isCancelled && message.failure?.type !== "broker";
  if (worker_id && !isCancelled && !isExpired) tally(draft, worker_id, "total_jobs_failed");
  draft.failedCount += 1;
  finish(draft.failed.mine, {
    ...job,
    status: isCancelled ? "cancelled" : "failed",
    retry_count: job.retry_count + (isRunLost ? 1 : 0),
    missing: null,
    isExpired,
    error,
    failed_at,
  });
}

function finish(list: Job[], job: Job): void {
  list.unshift(job);
  if (list.length > FINISHED_MAX) list.length = FINISHED_MAX;
}

function takeActive(draft: Draft, id: string): Job | undefined {
  const job = draft.active.now.get(id);
  if (job) draft.active.mine.delete(id);
  return job;
}

/** Counts a job out of the queue; gives it if it was in the known part. */
function takePending(draft: Draft, id: string): Job | undefined {
  const at = draft.pending.now.findIndex((job) => job.id === id);
  if (at < 0 && isWholeQueueKnown(draft)) return undefined;
  draft.pendingCount -= 1;
  return at < 0 ? undefined : draft.pending.mine.splice(at, 1)[0];
}

function isWholeQueueKnown(draft: Draft): boolean {
  return draft.pending.now.length === draft.pendingCount;
}

/** Puts a job in its place in the queue. A place behind what is known of the queue is only counted. */
function enqueue(draft: Draft, job: Job): void {
  const known = draft.pending.now;
  const isWhole = isWholeQueueKnown(draft);
  draft.pendingCount += 1;
  let at = known.length;
  for (let before = known[at - 1]; before && runsFirst(job, before); before = known[at - 1]) at -= 1;
  if (at === known.length && !isWhole) return;
  const mine = draft.pending.mine;
  mine.splice(at, 0, job);
  if (mine.length > PENDING_MAX) mine.length = PENDING_MAX;
}

/** Starving ones by age; then by rank; of equals the one that was submitted first. */
function runsFirst(a: Job, b: Job): boolean {
  const [isFirst, isSecond] = [a.rank.starving === true, b.rank.starving === true];
  const byRank = b.rank.priority - a.rank.priority || a.rank.at - b.rank.at;
  const order = Number(isSecond) - Number(isFirst) || (isFirst ? 0 : byRank);
  return (order || a.created_at - b.created_at || a.nth - b.nth) < 0;
}

/** A job from beyond what is known of the queue. */
function meetStranger(draft: Draft, id: string): Job {
  draft.hasStrangers = true;
  const counts = { priority: 0, rank: { priority: 0, at: 0 }, retry_count: 0, max_retries: 0 };
  const unknown = { job_type: "", created_at: 0, ...counts, isExpired: false };
  return { id, status: "pending", ...unknown, nth: nextNth(draft) };
}
