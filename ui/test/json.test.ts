import { expect, test } from "vitest";
import { mistake, parseExact, pretty } from "../src/json";

const good = [
  "{}",
  " [1, -0.5e+3, true, null] ",
  '{"a":{"b":["\\u00e9\\n"]}}',
  '"text"',
  "0",
  '{"a":1,"a":2}',
];
const bad = [
  "",
  "{",
  "[1,]",
  '{"a":1,}',
  "{a:1}",
  "'a'",
  "01",
  "1.",
  "+1",
  "nul",
  '"\n"',
  '"\\x"',
  "{} {}",
  "[1 2]",
  '{"a" 1}',
];

test.each(good)("%j is JSON", (text) => {
  expect(() => JSON.parse(text)).not.toThrow();
  expect(mistake(text)).toBeNull();
});

test.each(bad)("%j is none", (text) => {
  expect(() => JSON.parse(text)).toThrow();
  expect(mistake(text)).not.toBeNull();
});

test("a mistake has a line, a column and a reason", () => {
  expect(mistake('{\n  "a": 1\n  "b": 2\n}')).toEqual({
    line: 3,
    column: 3,
    why: '"," or "}" is expected, not "\\""',
  });
  expect(mistake("[1,\n")).toEqual({ line: 2, column: 1, why: "a value is expected, not the end" });
});

test("too deep is a mistake before the broker says so", () => {
  const deep = (levels: number) => "[".repeat(levels) + "]".repeat(levels);
  expect(mistake(deep(64))).toBeNull();
  expect(mistake(deep(65))?.why).toContain("64 levels");
});

test("large strings are no trouble", () => {
  expect(mistake(JSON.stringify(`${"x".repeat(4_000_000)}"\\é`))).toBeNull();
});

test("what is shown is what came, laid out", () => {
  expect(pretty(parseExact('{"a":[1,"<b>"]}'))).toBe('{\n  "a": [\n    1,\n    "<b>"\n  ]\n}');
});
