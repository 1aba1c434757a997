import type { MonitorMessage, Snapshot } from "../src/wire/types";

/** Messages as a broker tells them, with what a story does not care for filled in. */

export type Of<T extends MonitorMessage["type"]> = Extract<MonitorMessage, { readonly type: T }>;

let clock = 1_000_000;

function at(): { timestamp: number; event_id: string } {
  clock += 1;
  return { timestamp: clock, event_id: `1-${clock}-00000000deadbeef` };
}

const stats: Snapshot["system_stats"] = {
  total_workers: 0,
  active_workers: 0,
  total_jobs: 0,
  pending_jobs: 0,
  active_jobs: 0,
  completed_jobs: 0,
  failed_jobs: 0,
  total_machines: 0,
};

const page = { page: 1, pageSize: 200, totalCount: 0, hasNextPage: false, hasPreviousPage: false };

export function snapshot(
  data: Partial<Omit<Snapshot, "system_stats">> = {},
  counts: Partial<typeof stats> = {},
) {
  const jobs = { pending: [], active: [], completed: [], failed: [] };
  const whole: Snapshot = {
    workers: [],
    machines: [],
    jobs,
    pagination: { finishedJobs: page },
    ...data,
    system_stats: { ...stats, ...counts },
  };
  return { type: "full_state_snapshot", monitor_id: "m", data: whole, ...at() } satisfies MonitorMessage;
}

export function systemStats(counts: Partial<typeof stats>) {
  return {
    type: "system_stats",
    stats: { ...stats, ...counts },
    timestamp: at().timestamp,
  } satisfies MonitorMessage;
}

export const host = {
  hostname: "box",
  ip_address: null,
  os: "Debian",
  cpu_cores: 8,
  total_ram_gb: 64,
  gpu_count: 1,
  gpu_models: ["RTX 4090"],
};

const capabilities = {
  gpu_count: 1,
  gpu_memory_gb: 24,
  cpu_cores: 8,
  ram_gb: 64,
  services: ["sdxl"],
  models: {},
  max_concurrent_jobs: 1,
};

export function machineView(machine_id: string, draining = false): Snapshot["machines"][number] {
  const structure = { gpu_count: 1, capabilities: [], workers: {}, services: {} };
  const status = {
    machine: { phase: "ready", uptime_ms: 500, draining },
    workers: {},
    services: {},
  } as const;
  const counts = { gpu_count: 1, worker_count: 0, capabilities: [], uptime_ms: 500, timestamp: 10_500 };
  return { machine_id, phase: "ready", silent_since: null, host_info: host, structure, status, ...counts };
}

export function workerView(id: string, machine_id: string): Snapshot["workers"][number] {
  const totals = { total_jobs_completed: 0, total_jobs_failed: 0, connected_at: 1, connections: [] };
  return { id, machine_id, status: "idle", capabilities, current_job_id: null, ...totals };
}

export function row(id: string, over: Partial<Snapshot["jobs"]["active"][number]> = {}) {
  const counts = {
    priority: 50,
    rank: { priority: 50, at: 1 },
    retry_count: 0,
    max_retries: 3,
    created_at: 1,
  };
  return {
    id,
    status: "pending",
    job_type: "sdxl",
    ...counts,
    ...over,
  } as Snapshot["jobs"]["active"][number];
}

export function startup(machine_id: string) {
  return {
    type: "machine_startup",
    machine_id,
    phase: "ready",
    host_info: host,
    ...at(),
  } satisfies MonitorMessage;
}

export function silent(machine_id: string) {
  return { type: "machine_disconnected", machine_id, reason: "silent", ...at() } satisfies MonitorMessage;
}

export function heardAgain(
  machine_id: string,
  workers: Of<"machine_status_change">["status_data"]["workers"] = {},
  host_info = host,
  draining = false,
) {
  const structure = { gpu_count: 1, capabilities: [], workers: {}, services: {} };
  const drains = draining ? { draining } : {};
  const status_data = { machine: { phase: "ready", ...drains }, workers, services: {} } as const;
  return {
    type: "machine_status_change",
    machine_id,
    host_info,
    structure,
    status_data,
    ...at(),
  } satisfies MonitorMessage;
}

/** An operator drains a machine, or does so no more. */
export function drained(
  machine_id: string,
  draining: boolean,
  workers: Of<"machine_status_change">["status_data"]["workers"] = {},
) {
  return heardAgain(machine_id, workers, host, draining);
}

export function shutdown(machine_id: string) {
  return { type: "machine_shutdown", machine_id, ...at() } satisfies MonitorMessage;
}

export function joined(id: string, machine_id: string) {
  const counts = { connected_at: clock, jobs_completed: 0, jobs_failed: 0 };
  const worker_data = { id, status: "idle", capabilities, ...counts } as const;
  return {
    type: "worker_connected",
    worker_id: id,
    machine_id,
    worker_data,
    ...at(),
  } satisfies MonitorMessage;
}

export function left(worker_id: string, machine_id: string) {
  return { type: "worker_disconnected", worker_id, machine_id, ...at() } satisfies MonitorMessage;
}

export function turned(worker_id: string, old_status: "idle" | "busy", new_status: "idle" | "busy") {
  const worker = { worker_id, machine_id: "box", old_status, new_status };
  return { type: "worker_status_changed", ...worker, ...at() } satisfies MonitorMessage;
}

export function submitted(id: string, over: Partial<Of<"job_submitted">["job_data"]> = {}) {
  const when = at();
  const data = { id, job_type: "sdxl", status: "pending", priority: 50, created_at: when.timestamp } as const;
  const rank = { priority: over.priority ?? data.priority, at: over.created_at ?? data.created_at };
  return {
    type: "job_submitted",
    job_id: id,
    job_data: { ...data, rank, max_retries: 3, ...over },
    ...when,
  } satisfies MonitorMessage;
}

export function assigned(job_id: string, worker_id: string) {
  const when = at();
  const change = { old_status: "pending", new_status: "assigned", assigned_at: when.timestamp } as const;
  return { type: "job_assigned", job_id, worker_id, ...change, ...when } satisfies MonitorMessage;
}

export function begun(job_id: string, worker_id: string) {
  const change = { old_status: "assigned", new_status: "in_progress" } as const;
  return { type: "job_status_changed", job_id, worker_id, ...change, ...at() } satisfies MonitorMessage;
}

export function returned(job_id: string, worker_id: string, reason: string, retry_at?: number) {
  const again = retry_at === undefined ? {} : { retry_at };
  const change = { old_status: "in_progress", new_status: "pending", reason, ...again } as const;
  return { type: "job_status_changed", job_id, worker_id, ...change, ...at() } satisfies MonitorMessage;
}

export function progress(job_id: string, worker_id: string, fraction: number, message?: string) {
  const said = message === undefined ? {} : { message };
  const { timestamp } = at();
  return {
    type: "update_job_progress",
    job_id,
    worker_id,
    progress: fraction,
    ...said,
    timestamp,
  } satisfies MonitorMessage;
}

export function completed(job_id: string, worker_id: string) {
  const when = at();
  const result = { image: "a.png" };
  return {
    type: "complete_job",
    job_id,
    worker_id,
    result,
    completed_at: when.timestamp,
    ...when,
  } satisfies MonitorMessage;
}

export function failed(job_id: string, worker_id: string, error: string) {
  const when = at();
  const failure = { type: "internal", reason: null } as const;
  const end = { error, failure, attempt: 1, failed_at: when.timestamp };
  return { type: "job_failed", job_id, worker_id, ...end, ...when } satisfies MonitorMessage;
}

export function cancelled(job_id: string, worker_id?: string) {
  const when = at();
  const held = worker_id === undefined ? {} : { worker_id };
  const end = { error: "Job cancelled by user", cancelled: true, attempt: 0, failed_at: when.timestamp };
  return { type: "job_failed", job_id, ...held, ...end, ...when } satisfies MonitorMessage;
}

export function expired(job_id: string, worker_id?: string) {
  const when = at();
  const held = worker_id === undefined ? {} : { worker_id };
  const [by, reason] = held.worker_id === undefined ? ["started", "start_by"] : ["finished", "finish_by"];
  const error = `Job expired: not ${by} by 1970-01-01T00:16:40.000Z`;
  const failure = { type: "broker", reason } as const;
  const end = { error, failure, expired: true, attempt: 0, failed_at: when.timestamp };
  return { type: "job_failed", job_id, ...held, ...end, ...when } satisfies MonitorMessage;
}

export function unschedulable(job_id: string, ...missing: readonly string[]) {
  return { type: "job_unschedulable", job_id, missing, ...at() } satisfies MonitorMessage;
}

export function schedulable(job_id: string) {
  return { type: "job_schedulable", job_id, missing: [], ...at() } satisfies MonitorMessage;
}
