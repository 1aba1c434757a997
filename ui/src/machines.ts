import type { Draft } from "./draft";
import type { Machine, Worker } from "./fleet";
import type { MonitorMessage, Snapshot, WorkerView } from "./wire/types";

type Of<T extends MonitorMessage["type"]> = Extract<MonitorMessage, { readonly type: T }>;

export function replaceAll(draft: Draft, data: Snapshot): void {
  const machines = data.machines.map((view): Machine => {
    const { machine_id, phase, host_info: host, silent_since, status } = view;
    const isDraining = status.machine.draining ?? false;
    return { machine_id, phase, host, silentSince: silent_since ?? null, isDraining };
  });
  draft.machines.replace(new Map(machines.map((machine) => [machine.machine_id, machine])));
  draft.workers.replace(new Map(data.workers.map((view) => [view.id, worker(view)])));
}

function worker({ connections: _, current_job_id: __, ...rest }: WorkerView): Worker {
  return rest;
}

export function started(draft: Draft, message: Of<"machine_startup">): void {
  const { machine_id, phase, host_info: host } = message;
  draft.machines.mine.set(machine_id, { machine_id, phase, host, silentSince: null, isDraining: false });
}

/** Its facts or phase changed, it is to drain or not any more, or it is heard again after a silence. */
export function changed(draft: Draft, message: Of<"machine_status_change">): void {
  const { machine_id, host_info: host, status_data } = message;
  const old = draft.machines.now.get(machine_id);
  if (!old) return;
  const { phase, draining: isDraining = false } = status_data.machine;
  const workers = Object.entries(status_data.workers);
  // Only the workers of a silent machine are offline.
  const silentSince = workers.some(([, { status }]) => status === "offline") ? old.silentSince : null;
  draft.machines.mine.set(machine_id, { machine_id, phase, host, silentSince, isDraining });
  for (const [id, { status }] of workers) turn(draft, id, status);
}

export function fellSilent(draft: Draft, { machine_id, timestamp }: Of<"machine_disconnected">): void {
  const machine = draft.machines.now.get(machine_id);
  if (!machine) return;
  draft.machines.mine.set(machine_id, { ...machine, silentSince: timestamp });
  for (const worker of draft.workers.now.values()) {
    if (worker.machine_id === machine_id) turn(draft, worker.id, "offline");
  }
}

export function left(draft: Draft, { machine_id }: Of<"machine_shutdown">): void {
  if (!draft.machines.now.has(machine_id)) return;
  draft.machines.mine.delete(machine_id);
  for (const worker of draft.workers.now.values()) {
    if (worker.machine_id === machine_id) draft.workers.mine.delete(worker.id);
  }
}

export function workerConnected(draft: Draft, { machine_id, worker_data }: Of<"worker_connected">): void {
  const { id, status, capabilities, connected_at, jobs_completed, jobs_failed } = worker_data;
  draft.workers.mine.set(id, {
    id,
    machine_id,
    status: status === "idle" ? standing(draft, id, machine_id) : status,
    capabilities,
    connected_at,
    total_jobs_completed: jobs_completed,
    total_jobs_failed: jobs_failed,
  });
}

/** A worker that joins is told as idle, also when it has jobs in hand or its machine drains. */
function standing(draft: Draft, worker: string, machine: string): Worker["status"] {
  if (draft.machines.now.get(machine)?.isDraining) return "draining";
  return holdsJobs(draft, worker) ? "busy" : "idle";
}

function holdsJobs(draft: Draft, worker: string): boolean {
  for (const job of draft.active.now.values()) {
    if (job.worker_id === worker) return true;
  }
  return false;
}

export function workerDisconnected(draft: Draft, { worker_id }: Of<"worker_disconnected">): void {
  if (draft.workers.now.has(worker_id)) draft.workers.mine.delete(worker_id);
}

export function workerTurned(draft: Draft, { worker_id, new_status }: Of<"worker_status_changed">): void {
  turn(draft, worker_id, new_status);
}

function turn(draft: Draft, id: string, status: Worker["status"]): void {
  const worker = draft.workers.now.get(id);
  if (worker && worker.status !== status) draft.workers.mine.set(id, { ...worker, status });
}

/** Counts a run that ended at this worker. */
export function tally(draft: Draft, id: string, which: "total_jobs_completed" | "total_jobs_failed"): void {
  const worker = draft.workers.now.get(id);
  if (worker) draft.workers.mine.set(id, { ...worker, [which]: worker[which] + 1 });
}
