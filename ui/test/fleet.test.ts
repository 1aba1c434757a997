import { expect, test } from "vitest";
import { counts, type Fleet, fold, NOTHING, needsSnapshot, reduce } from "../src/fleet";
import type { MonitorMessage } from "../src/wire/types";
import * as told from "./told";

/** A machine `box` with an idle worker `w`. */
const box = fold(NOTHING, [told.snapshot(), told.startup("box"), told.joined("w", "box")]);
/** The same with the job `j` under way. */
const running = fold(box, [
  told.submitted("j"),
  told.assigned("j", "w"),
  told.turned("w", "idle", "busy"),
  told.begun("j", "w"),
]);

const ids = (jobs: Iterable<{ readonly id: string }>) => [...jobs].map((job) => job.id);

test("nothing is known before the first snapshot", () => {
  expect(NOTHING.isKnown).toBe(false);
  expect(reduce(NOTHING, told.snapshot()).isKnown).toBe(true);
});

test("a machine joins, and there is one", () => {
  const empty = reduce(NOTHING, told.snapshot());
  expect(counts(empty)).toEqual({ workers: 0, jobs: 0, machines: 0 });
  const one = reduce(empty, told.startup("box"));
  expect(counts(one)).toEqual({ workers: 0, jobs: 0, machines: 1 });
  expect(counts(reduce(one, told.joined("w", "box")))).toEqual({ workers: 1, jobs: 0, machines: 1 });
});

test("a snapshot, then what changed since", () => {
  const data = {
    machines: [told.machineView("box")],
    workers: [told.workerView("w", "box")],
    jobs: {
      pending: [told.row("next")],
      active: [told.row("now", { status: "in_progress", worker_id: "w", progress: 0.2 })],
      completed: [told.row("done", { status: "completed" })],
      failed: [],
    },
  };
  const before = reduce(NOTHING, told.snapshot(data, { pending_jobs: 1, active_jobs: 1, completed_jobs: 7 }));
  expect(counts(before)).toEqual({ workers: 1, jobs: 2, machines: 1 });

  const after = fold(before, [told.progress("now", "w", 0.6, "decoding"), told.completed("now", "w")]);
  expect(counts(after).jobs).toBe(1);
  expect(ids(after.completed)).toEqual(["now", "done"]);
  expect(after.completedCount).toBe(8);
  expect(after.workers.get("w")?.total_jobs_completed).toBe(1);
});

test("a job lives: submitted, assigned, begun, under way, completed", () => {
  const waits = reduce(box, told.submitted("j"));
  expect(ids(waits.pending)).toEqual(["j"]);
  const held = reduce(waits, told.assigned("j", "w"));
  expect(held.pending).toEqual([]);
  expect(held.active.get("j")).toMatchObject({ status: "assigned", worker_id: "w", started_at: null });
  const begun = fold(held, [told.turned("w", "idle", "busy"), told.begun("j", "w")]);
  expect(begun.active.get("j")?.status).toBe("in_progress");
  expect(begun.active.get("j")?.started_at).toBeGreaterThan(0);
  expect(begun.workers.get("w")?.status).toBe("busy");
  const half = reduce(begun, told.progress("j", "w", 0.5, "sampling"));
  expect(half.active.get("j")).toMatchObject({ progress: 0.5, progress_message: "sampling" });
  const done = reduce(half, told.completed("j", "w"));
  expect(counts(done).jobs).toBe(0);
  expect(done.completed[0]).toMatchObject({ id: "j", status: "completed", progress: 1 });
});

test("a job that fails for good ends with its error", () => {
  const failed = reduce(running, told.failed("j", "w", "out of memory"));
  expect(counts(failed).jobs).toBe(0);
  expect(failed.failed[0]).toMatchObject({
    id: "j",
    status: "failed",
    error: "out of memory",
    retry_count: 1,
  });
  expect(failed.workers.get("w")?.total_jobs_failed).toBe(1);
});

test("a returned job waits again in its old place and has no progress", () => {
  const busy = fold(running, [told.progress("j", "w", 0.5, "sampling"), told.submitted("younger")]);
  const lost = reduce(busy, told.returned("j", "w", "lease_expired"));
  expect(ids(lost.pending)).toEqual(["j", "younger"]);
  expect(lost.pending[0]).toMatchObject({
    status: "pending",
    progress: null,
    retry_count: 0,
    retry_at: null,
  });
  expect(lost.pending[0]?.progress_message).toBeNull();
  const failed = reduce(busy, told.returned("j", "w", "failed", 5_000));
  expect(failed.pending[0]).toMatchObject({ retry_count: 1, retry_at: 5_000 });
  expect(reduce(failed, told.assigned("j", "w")).active.get("j")?.retry_at).toBeNull();
  expect(failed.workers.get("w")?.total_jobs_failed).toBe(1);
});

test("a cancelled job ends whether it waited or ran, and is no failure of its worker", () => {
  const waiting = fold(box, [told.submitted("j"), told.cancelled("j")]);
  const ran = reduce(running, told.cancelled("j", "w"));
  for (const fleet of [waiting, ran]) {
    expect(counts(fleet).jobs).toBe(0);
    expect(fleet.failed[0]).toMatchObject({ id: "j", status: "cancelled", retry_count: 0 });
    expect(fleet.workers.get("w")?.total_jobs_failed).toBe(0);
  }
});

test("a job whose time is over ends as expired, whether it waited or ran, and no run of it failed", () => {
  const waiting = fold(box, [told.submitted("j"), told.expired("j")]);
  const ran = reduce(running, told.expired("j", "w"));
  for (const fleet of [waiting, ran]) {
    expect(counts(fleet).jobs).toBe(0);
    expect(fleet.failed[0]).toMatchObject({ id: "j", status: "failed", isExpired: true, retry_count: 0 });
    expect(fleet.workers.get("w")?.total_jobs_failed).toBe(0);
  }
  const { error } = told.expired("late");
  const failed = [told.row("late", { status: "failed", error }), told.row("bad", { status: "failed" })];
  const jobs = { pending: [], active: [], completed: [], failed };
  const later = reduce(NOTHING, told.snapshot({ jobs }));
  expect(later.failed.map((job) => job.isExpired)).toEqual([true, false]);
});

test("a waiting job that nobody could run says what is missing, until somebody can or has it", () => {
  const lacks = ["hardware.gpu_memory_gb >= 24", "models: sdxl"];
  const stuck = fold(box, [told.submitted("j"), told.submitted("k"), told.unschedulable("j", ...lacks)]);
  expect(stuck.pending.map((job) => job.missing ?? null)).toEqual([lacks, null]);
  expect(reduce(stuck, told.schedulable("j")).pending[0]?.missing).toBeNull();
  const held = reduce(stuck, told.assigned("j", "w"));
  expect(held.active.get("j")?.missing).toBeNull();
  expect(reduce(held, told.returned("j", "w", "released")).pending[0]?.missing).toBeNull();
  expect(reduce(stuck, told.cancelled("j")).failed[0]?.missing).toBeNull();

  const jobs = { pending: [told.row("j", { missing: lacks })], active: [], completed: [], failed: [] };
  const known = reduce(box, told.snapshot({ jobs }, { pending_jobs: 2 }));
  expect(known.pending[0]?.missing).toEqual(lacks);
  // One from behind the known part of the queue is nothing to show.
  expect(reduce(known, told.unschedulable("behind", "region: eu"))).toEqual(known);
});

test("progress of a job that is not held, or by another worker, is ignored", () => {
  for (const late of [told.progress("nobody", "w", 0.9), told.progress("j", "other", 0.9)]) {
    expect(reduce(running, late).active).toBe(running.active);
  }
});

test("a silent machine keeps its workers, offline, until it is heard or gone", () => {
  const silence = told.silent("box");
  const silent = reduce(running, silence);
  expect(silent.machines.get("box")?.silentSince).toBe(silence.timestamp);
  expect(silent.workers.get("w")?.status).toBe("offline");
  expect(counts(silent)).toEqual(counts(running));

  const back = reduce(silent, told.heardAgain("box", { w: { status: "busy", current_job_id: "j" } }));
  expect(back.machines.get("box")).toEqual(running.machines.get("box"));
  expect(back.workers.get("w")?.status).toBe("busy");

  const gone = fold(silent, [
    told.returned("j", "w", "machine_left"),
    told.left("w", "box"),
    told.shutdown("box"),
  ]);
  expect(counts(gone)).toEqual({ workers: 0, jobs: 1, machines: 0 });
});

test("a draining machine shows, in a snapshot and when it changes, with its workers", () => {
  const w = { status: "draining", current_job_id: "j" } as const;
  const drains = reduce(running, told.drained("box", true, { w }));
  expect(drains.machines.get("box")?.isDraining).toBe(true);
  expect(drains.workers.get("w")?.status).toBe("draining");
  // Told as idle when it joins again.
  expect(reduce(drains, told.joined("w", "box")).workers.get("w")?.status).toBe("draining");

  const again = reduce(drains, told.drained("box", false, { w: { ...w, status: "busy" } }));
  expect(again.machines).toEqual(running.machines);
  expect(again.workers).toEqual(running.workers);

  const machines = [told.machineView("a", true), told.machineView("b")];
  const known = reduce(NOTHING, told.snapshot({ machines }));
  expect([...known.machines.values()].map((machine) => machine.isDraining)).toEqual([true, false]);
});

test("a machine that is drained while it is silent is silent still", () => {
  const silent = reduce(running, told.silent("box"));
  const drains = reduce(silent, told.drained("box", true, { w: { status: "offline", current_job_id: "j" } }));
  const { silentSince } = silent.machines.get("box") ?? {};
  expect(drains.machines.get("box")).toMatchObject({ silentSince, isDraining: true });
});

test("what is told of services changes nothing here", () => {
  const when = { timestamp: 1 };
  const connector = { connector_id: "w:sdxl", worker_id: "w", service_type: "sdxl", status: "error" };
  const messages: MonitorMessage[] = [
    { type: "service_paused", service: "sdxl", ...when },
    { type: "service_resumed", service: "sdxl", ...when },
    { type: "connector_status_changed", ...connector, ...when },
  ];
  expect(fold(running, messages)).toEqual(running);
});

test("changed facts of a machine show", () => {
  const grown = { ...told.host, gpu_count: 2 };
  expect(reduce(running, told.heardAgain("box", {}, grown)).machines.get("box")?.host).toEqual(grown);
});

test("a worker that comes back with a job in hand is busy", () => {
  expect(reduce(running, told.joined("w", "box")).workers.get("w")?.status).toBe("busy");
});

test("after a resync the snapshot replaces everything", () => {
  const resync: MonitorMessage = { type: "resync", reason: "diverged", timestamp: 1 };
  const still = reduce(running, resync);
  expect(counts(still)).toEqual(counts(running));
  const data = { machines: [told.machineView("other")] };
  const anew = reduce(still, told.snapshot(data));
  expect([...anew.machines.keys()]).toEqual(["other"]);
  expect(counts(anew)).toEqual({ workers: 0, jobs: 0, machines: 1 });
});

test("jobs wait by rank, which a workflow may give: by its priority, then by its time", () => {
  const fleet = fold(box, [
    told.submitted("first"),
    told.submitted("second"),
    told.submitted("urgent", { priority: 90 }),
    told.submitted("step", { workflow_id: "wf", priority: 1, rank: { priority: 95, at: 2_000_000 } }),
    told.submitted("resumed", { workflow_id: "wf", priority: 99, rank: { priority: 50, at: 1 } }),
  ]);
  expect(ids(fleet.pending)).toEqual(["step", "urgent", "resumed", "first", "second"]);
});

test("what starves waits before all else, the oldest first whatever its rank", () => {
  const starving = (id: string, created_at: number, priority: number) =>
    told.row(id, { created_at, rank: { priority, at: created_at, starving: true } });
  const pending = [starving("old", 5, 1), starving("younger", 7, 90)];
  const active = [{ ...starving("held", 6, 50), status: "in_progress" as const, worker_id: "w" }];
  const jobs = { pending, active, completed: [], failed: [] };
  const fleet = fold(NOTHING, [
    told.snapshot({ jobs }, { pending_jobs: 2, active_jobs: 1 }),
    told.submitted("urgent", { priority: 1_000 }),
    told.returned("held", "w", "released"),
  ]);
  expect(ids(fleet.pending)).toEqual(["old", "held", "younger", "urgent"]);
});

test("of equals the one that was submitted first runs first, also when it comes back", () => {
  const when = { created_at: 7 };
  const batch = ["a", "b", "c"].map((id) => told.submitted(id, when));
  const taken = fold(box, [...batch, told.assigned("a", "w"), told.assigned("b", "w")]);
  const back = fold(taken, [told.returned("a", "w", "worker_left"), told.returned("b", "w", "worker_left")]);
  expect(ids(back.pending)).toEqual(["a", "b", "c"]);
});

test("a job of a snapshot comes back to the place its rank gives it", () => {
  const rank = { priority: 90, at: 5 };
  const active = [told.row("step", { rank, status: "in_progress", worker_id: "w" })];
  const jobs = { pending: [told.row("plain")], active, completed: [], failed: [] };
  const fleet = reduce(NOTHING, told.snapshot({ jobs }, { pending_jobs: 1, active_jobs: 1 }));
  expect(ids(reduce(fleet, told.returned("step", "w", "released")).pending)).toEqual(["step", "plain"]);
});

test("behind the known part of the queue jobs are only counted, and then a snapshot is needed", () => {
  const pending = ["a", "b"].map((id) => told.row(id, { rank: { priority: 80, at: 1 } }));
  const jobs = { pending, active: [], completed: [], failed: [] };
  const part = reduce(NOTHING, told.snapshot({ jobs }, { pending_jobs: 500 }));
  expect(needsSnapshot(part)).toBe(true);
  const more = fold(part, [told.submitted("last"), told.submitted("urgent", { priority: 90 })]);
  expect(ids(more.pending)).toEqual(["urgent", "a", "b"]);
  expect(more.pendingCount).toBe(502);
});

test("a job from behind the known part is shown by its id until a snapshot tells the rest", () => {
  const part = reduce(box, told.snapshot({}, { pending_jobs: 1 }));
  const held = reduce(part, told.assigned("stranger", "w"));
  expect(counts(held).jobs).toBe(1);
  expect(held.active.get("stranger")).toMatchObject({ job_type: "", worker_id: "w" });
  expect(needsSnapshot(held)).toBe(true);
  expect(needsSnapshot(reduce(held, told.snapshot()))).toBe(false);
});

test("stats say how many ended are still remembered, and change no count that events keep", () => {
  const fleet = reduce(running, told.systemStats({ completed_jobs: 40, failed_jobs: 2, pending_jobs: 9 }));
  expect(fleet).toMatchObject({ completedCount: 40, failedCount: 2 });
  expect(counts(fleet)).toEqual(counts(running));
});

test("messages of unknown types are ignored", () => {
  for (const type of ["job_log", "constructor", "__proto__"]) {
    const message = { type, timestamp: 1 } as unknown as MonitorMessage;
    expect(reduce(running, message)).toEqual(running);
  }
});

test("what a message does not touch stays the same object, and what was before never changes", () => {
  const frozen = deepFreeze(running);
  const next = reduce(frozen, told.progress("j", "w", 0.5));
  expect(next.active).not.toBe(frozen.active);
  for (const part of ["machines", "workers", "pending", "completed", "failed"] as const) {
    expect(next[part]).toBe(frozen[part]);
  }
  expect(frozen.active.get("j")?.progress).toBeNull();
});

test("one batch is the same as one by one", () => {
  const story = [told.submitted("a"), told.assigned("a", "w"), told.submitted("b"), told.completed("a", "w")];
  expect(fold(box, story)).toEqual(story.reduce<Fleet>(reduce, box));
});

function deepFreeze(fleet: Fleet): Fleet {
  for (const list of [fleet.pending, fleet.completed, fleet.failed]) Object.freeze(list);
  for (const map of [fleet.machines, fleet.workers, fleet.active])
    for (const one of map.values()) Object.freeze(one);
  return Object.freeze(fleet);
}
