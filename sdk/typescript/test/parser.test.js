import assert from "node:assert/strict";
import { test } from "node:test";
import { Parser } from "../dist/parser.js";

const bytes = (text) => new TextEncoder().encode(text);

function read(text, parser = new Parser()) {
  return [...parser.push(bytes(text))];
}

const block = (position, data) => ({ position, data });

test("a block is its data lines, joined, and the position after it", () => {
  const stream = 'id: 1-2-ab\ndata: {"a":1}\n\ndata:  b\ndata\ndata:c\n\n';
  assert.deepEqual(read(stream), [block("1-2-ab", '{"a":1}'), block("1-2-ab", " b\n\nc")]);
});

test("an id without data is a bookmark: only the position moves", () => {
  assert.deepEqual(read("id: 7\n\nid: 7\n\n\n\nid: 8\n\n"), [block("7", undefined), block("8", undefined)]);
});

test("an empty id takes the position back, one with NUL is none", () => {
  assert.deepEqual(read("id: 7\ndata: a\n\nid: 8\0\ndata: b\n\nid\ndata: c\n\n"), [
    block("7", "a"),
    block("7", "b"),
    block("", "c"),
  ]);
});

test("comments, unknown fields and named events say nothing", () => {
  assert.deepEqual(
    read(": hello\nfoo: bar\ndata: a\n\nevent: other\nid: 9\ndata: b\n\nevent: message\ndata: c\n\n"),
    [block("", "a"), block("9", undefined), block("9", "c")],
  );
});

test("retry is digits only", () => {
  const parser = new Parser();
  read("retry: 2000\n\n", parser);
  assert.equal(parser.retryMs, 2000);
  read("retry: 3s\nretry:\n\n", parser);
  assert.equal(parser.retryMs, 2000);
});

test("what no empty line ended is no block, and its id no position", () => {
  assert.deepEqual(read("id: 1\ndata: a\n\nid: 2\ndata: b\n"), [block("1", "a")]);
});

test("lines end with LF, CR or CRLF, and a mark may stand before the first, wherever it is cut", () => {
  for (const end of ["\n", "\r", "\r\n"]) {
    const stream = bytes(
      `\ufeffid: 1${end}data: ä€😀${end}${end}data: b${end}data: c${end}${end}: end${end}`,
    );
    for (let first = 0; first <= stream.length; first += 1) {
      for (let second = first; second <= stream.length; second += 1) {
        const parser = new Parser();
        const cuts = [stream.slice(0, first), stream.slice(first, second), stream.slice(second)];
        const blocks = cuts.flatMap((cut) => [...parser.push(cut)]);
        assert.deepEqual(
          blocks,
          [block("1", "ä€😀"), block("1", "b\nc")],
          `${JSON.stringify(end)} ${first} ${second}`,
        );
      }
    }
  }
});

test("a stream without end of line does not grow without end", () => {
  assert.throws(() => read("data: 12345678", new Parser(10)), RangeError);
  assert.throws(() => read("data: 1234\ndata: 1234\ndata: 1234\n", new Parser(10)), RangeError);
});
