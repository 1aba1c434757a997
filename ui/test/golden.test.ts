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
