import { Draft } from "./draft";
import * as jobs from "./jobs";
import * as machines from "./machines";
import type { HostInfo, JobRow, MachineView, MonitorMessage, WorkerView } from "./wire/types";

/**
 * The fleet as its broker told it. `fold` makes it from messages and from nothing else: no clock,
 * no page. The parts that a batch of messages does not touch stay the same objects.
 */
export interface Fleet {
  /** False until the first snapshot: nothing here means anything yet. */
  readonly isKnown: boolean;
  readonly machines: ReadonlyMap<string, Machine>;
  readonly workers: ReadonlyMap<string, Worker>;
  /** All jobs that a worker holds, the longest held first. */
  readonly active: ReadonlyMap<string, Job>;
  /** The first waiting jobs in the order they will run: a prefix of the queue without holes. */
  readonly pending: readonly Job[];
  /** All waiting jobs, also those that `pending` does not reach. */
  readonly pendingCount: number;
  /** Newest first, as `failed`, which holds the cancelled ones too. */
  readonly completed: readonly Job[];
  readonly failed: readonly Job[];
  readonly completedCount: number;
  readonly failedCount: number;
  /** So many jobs became known. */
  readonly met: number;
  /** A job was met of which only the id is known; the next snapshot tells the rest. */
  readonly hasStrangers: boolean;
}

export interface Machine extends Pick<MachineView, "machine_id" | "phase"> {
  readonly host: HostInfo;
  readonly silentSince: number | null;
  readonly isDraining: boolean;
}

export type Worker = Omit<WorkerView, "connections" | "current_job_id">;

export interface Job extends JobRow {
  /** Grows with the order in which jobs became known here. */
  readonly nth: number;
  /** It failed because its time was over. */
  readonly isExpired: boolean;
}

export const NOTHING: Fleet = {
  isKnown: false,
  machines: new Map(),
  workers: new Map(),
  active: new Map(),
  pending: [],
  pendingCount: 0,
  completed: [],
  failed: [],
  completedCount: 0,
  failedCount: 0,
  met: 0,
  hasStrangers: false,
};

type Of<T extends MonitorMessage["type"]> = Extract<MonitorMessage, { readonly type: T }>;
type Handlers = { readonly [T in MonitorMessage["type"]]: (draft: Draft, message: Of<T>) => void };

/** About the stream, not the fleet: the feed has seen it. */
const ofTheFeed = () => {};

/**
 * About services, of which the page shows no list: `GET /api/services` has it. Workers keep no
 * `connections` here, and why a job waits is asked of the broker when its detail is open.
 */
const ofTheServices = () => {};

const handlers: Handlers = {
  connected: ofTheFeed,
  heartbeat_ack: ofTheFeed,
  subscribed: ofTheFeed,
  resync_response: ofTheFeed,
  error: ofTheFeed,
  pong: ofTheFeed,
  upstream: ofTheFeed,
  resync: ofTheFeed,
  full_state_snapshot: (draft, { data }) => {
    machines.replaceAll(draft, data);
    jobs.replaceAll(draft, data);
    draft.isKnown = true;
  },
  system_stats: (draft, { stats }) => {
    // Only what no event tells: ended jobs are forgotten in silence. All else is counted here,
    // because passing stats may be ahead of the events on this connection.
    draft.completedCount = stats.completed_jobs;
    draft.failedCount = stats.failed_jobs;
  },
  job_submitted: jobs.submitted,
  job_assigned: jobs.assigned,
  job_status_changed: jobs.turned,
  update_job_progress: jobs.progressed,
  complete_job: jobs.completed,
  job_failed: jobs.failed,
  job_unschedulable: jobs.becameUnschedulable,
  job_schedulable: jobs.becameSchedulable,
  service_paused: ofTheServices,
  service_resumed: ofTheServices,
  connector_status_changed: ofTheServices,
  worker_connected: machines.workerConnected,
  worker_disconnected: machines.workerDisconnected,
  worker_status_changed: machines.workerTurned,
  machine_startup: machines.started,
  machine_status_change: machines.changed,
  machine_disconnected: machines.fellSilent,
  machine_shutdown: machines.left,
};

/** Whether messages of this type are understood; all others are ignored. */
export function isUnderstood(type: string): type is MonitorMessage["type"] {
  return Object.hasOwn(handlers, type);
}

/** The fleet after these messages. */
export function fold(fleet: Fleet, messages: Iterable<MonitorMessage>): Fleet {
  const draft = new Draft(fleet);
  for (const message of messages) step(draft, message);
  return draft.finish();
}

/** The fleet after one message. */
export function reduce(fleet: Fleet, message: MonitorMessage): Fleet {
  return fold(fleet, [message]);
}

function step<T extends MonitorMessage["type"]>(draft: Draft, message: Of<T>): void {
  if (isUnderstood(message.type)) (handlers[message.type as T] as Handlers[T])(draft, message);
}

/** The counts as `GET /api/stats` gives them. */
export function counts({ workers, machines, active, pendingCount }: Fleet) {
  return { workers: workers.size, machines: machines.size, jobs: pendingCount + active.size };
}

/** Fewer known waiting jobs than this, though there are more, and the page asks for a snapshot. */
const PENDING_LOW = 100;

/** Whether something shown can only be known from a new snapshot. */
export function needsSnapshot({ isKnown, pending, pendingCount, hasStrangers }: Fleet): boolean {
  return isKnown && (hasStrangers || pending.length < Math.min(PENDING_LOW, pendingCount));
}
