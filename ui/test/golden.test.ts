import { describe, expect, test } from "vitest";
import { type Fleet, fold, isUnderstood, NOTHING, reduce } from "../src/fleet";
import type { MonitorMessage } from "../src/wire/types";
import * as told from "./told";

/** One message a file, written by the tests of `wire`. */
const files = import.meta.glob<MonitorMessage>("../../crates/wire/golden/monitor/*.json", {
  eager: true,
  import: "default",
});
const golden = Object.entries(files).map(([path, message]) => ({ name: path.split("/").at(-1), message }));

function the(name: string): MonitorMessage {
  const found = golden.find((one) => one.name === `${name}.json`);
  if (!found) throw new Error(`there is no golden ${name}`);
  return found.message;
}

describe("golden messages of the monitor dialect", () => {
  test.each(golden)("$name is understood, alone and in a fleet", ({ message }) => {
    expect(isUnderstood(message.type)).toBe(true);
    const some = fold(NOTHING, [
      told.snapshot(),
      told.startup("box"),
      told.joined("w", "box"),
      told.submitted("j"),
    ]);
    for (const fleet of [NOTHING, some]) expectWhole(reduce(fleet, message));
  });

  test("a job is submitted, nobody could run it, somebody could, and its time is over", () => {
    const waits = fold(NOTHING, [told.snapshot(), the("job_submitted_demanding"), the("job_unschedulable")]);
    expect(waits.pending[0]).toMatchObject({
      id: "job-123",
      rank: { priority: expect.any(Number), at: expect.any(Number) },
      missing: ["hardware.gpu_memory_gb >= 24", "models: sdxl"],
    });
    const fits = reduce(waits, the("job_schedulable"));
    expect(fits.pending[0]?.missing).toBeNull();
    const over = reduce(fits, the("job_expired_start_by"));
    expect(over).toMatchObject({ pendingCount: 0, failed: [{ id: "job-123", isExpired: true }] });
  });

  test("a machine drains, also while it is silent", () => {
    const joined = fold(NOTHING, [told.snapshot(), the("machine_startup"), the("worker_connected")]);
    const box = (fleet: Fleet) => fleet.machines.get("machine-1");
    expect(box(reduce(joined, the("machine_status_change_draining")))).toMatchObject({
      isDraining: true,
      silentSince: null,
    });
    const silent = fold(joined, [the("machine_disconnected"), the("machine_status_change_silent")]);
    expect(box(silent)?.silentSince).not.toBeNull();
  });

  test("all together leave a fleet that is whole", () => {
    const messages = golden.map(({ message }) => message);
    expectWhole(fold(NOTHING, messages));
    expectWhole(fold(NOTHING, messages.toReversed()));
  });
});

function expectWhole({ pending, pendingCount, completedCount, failedCount, machines, active }: Fleet): void {
  for (const count of [pendingCount, completedCount, failedCount]) expect(count).toBeGreaterThanOrEqual(0);
  expect(pending.length).toBeLessThanOrEqual(pendingCount);
  for (const [id, machine] of machines)
    expect(machine).toMatchObject({ machine_id: id, host: expect.anything() });
  for (const [id, job] of active) expect(job.id).toBe(id);
}
