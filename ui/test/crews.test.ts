import { expect, test } from "vitest";
import { crews } from "../src/crews";
import { fold, NOTHING } from "../src/fleet";
import * as told from "./told";

const fleet = fold(NOTHING, [
  told.snapshot(),
  told.startup("b"),
  told.startup("a"),
  told.joined("w2", "a"),
  told.joined("w1", "a"),
  told.joined("w3", "b"),
  told.submitted("j"),
  told.assigned("j", "w2"),
]);

test("machines stand by name with their workers and what these hold; silent ones come first", () => {
  const names = (all: ReturnType<typeof crews>) => all.map(({ machine }) => machine.machine_id);
  const all = crews(fleet, []);
  expect(names(all)).toEqual(["a", "b"]);
  expect(all[0]?.hands.map(({ worker, jobs }) => [worker.id, jobs.map((job) => job.id)])).toEqual([
    ["w1", []],
    ["w2", ["j"]],
  ]);
  expect(names(crews(fold(fleet, [told.silent("b")]), all))).toEqual(["b", "a"]);
});

test("what did not change is the same object, so that it is not drawn again", () => {
  const before = crews(fleet, []);
  const after = crews(fold(fleet, [told.progress("j", "w2", 0.5)]), before);
  expect(after[1]).toBe(before[1]);
  expect(after[0]).not.toBe(before[0]);
  expect(after[0]?.hands[0]).toBe(before[0]?.hands[0]);
});
