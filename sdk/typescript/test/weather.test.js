// Answers that are late, lost or unkind, from a server that is played here.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";
import { Callboard } from "callboard";
import { retryAfter } from "../dist/error.js";

const job = { service_required: "render" };

/** Gives one answer after the other; what it was asked is in `asked`. */
async function serve(t, ...answers) {
  const asked = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const piece of request) body += piece;
    const { method, url: path, headers } = request;
    asked.push({ method, path, headers, body: body && JSON.parse(body), at: performance.now() });
    const answer = answers.shift();
    if (!answer) throw new Error(`nobody expected ${method} ${path}`);
    answer(response, request);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return { asked, url: `http://127.0.0.1:${port}` };
}

const problem =
  (status, code, headers = {}) =>
  (response) => {
    response.writeHead(status, { "content-type": "application/problem+json", ...headers });
    response.end(JSON.stringify({ type: "about:blank", status, code, detail: `it is ${code}` }));
  };
const page = (status) => (response) => response.writeHead(status).end("<html>a proxy says no</html>");
const lost = (response) => response.destroy();
const taken = (response) => response.writeHead(201).end(JSON.stringify({ success: true, job_id: "j" }));
const stream =
  (text, isOpen = false) =>
  (response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(text);
    if (!isOpen) response.end();
  };
const told = (id, message) => `${id ? `id: ${id}\n` : ""}data: ${JSON.stringify(message)}\n\n`;
const ended = { type: "complete_job", job_id: "j", result: { status: "success", data: 1 }, timestamp: 1 };

test("who is asked to come back later does, with the same job", async (t) => {
  const busy = problem(429, "rate_limited", { "retry-after": "1" });
  const full = problem(503, "inbox_full", { "retry-after": "0" });
  const { asked, url } = await serve(t, busy, full, lost, page(502), taken);
  await new Callboard({ url, clientId: "api", token: "s" }).submit(job);
  assert.equal(asked.length, 5);
  assert.equal(new Set(asked.map(({ body }) => body.job_id)).size, 1);
  assert.equal(asked[4].headers["x-client-id"], "api");
  assert.equal(asked[4].headers.authorization, "Bearer s");
  assert.ok(asked[1].at - asked[0].at >= 990, "a second was asked for");
});

test("what would not be done twice is not sent twice", async (t) => {
  const { asked, url } = await serve(t, problem(429, "rate_limited", { "retry-after": "0" }), lost);
  await assert.rejects(new Callboard({ url }).retry("j"), { code: "unreachable", status: 0 });
  assert.equal(asked.length, 2);
  const away = await serve(t, problem(503, "store_unavailable", { "retry-after": "0" }));
  await assert.rejects(new Callboard({ url: away.url }).retry("j"), { code: "store_unavailable" });
});

test("a refusal is not repeated", async (t) => {
  const { asked, url } = await serve(t, problem(507, "store_full"), page(404));
  const board = new Callboard({ url });
  await assert.rejects(board.submit(job), { code: "store_full", status: 507, detail: "it is store_full" });
  await assert.rejects(board.job("j"), { code: "unreadable", status: 404 });
  assert.equal(asked.length, 2);
});

test("patience has an end", async (t) => {
  const { url } = await serve(t, problem(503, "shutting_down", { "retry-after": "30" }));
  await assert.rejects(new Callboard({ url, patienceMs: 500 }).job("j"), {
    code: "shutting_down",
    retryAfterMs: 30_000,
  });
  const nobody = new Callboard({ url: "http://127.0.0.1:9", patienceMs: 500 });
  await assert.rejects(nobody.submit(job), { code: "unreachable", status: 0 });
  await assert.rejects(nobody.wait("j"), { code: "unreachable", status: 0 });
});

test("a watch goes on after the last bookmark, whatever cut it", async (t) => {
  const accepted = told("1-1-a", { type: "job_accepted", job_id: "j", status: "queued", timestamp: 1 });
  const half = `id: 1-9-x\ndata: {"type":"complete_job"`;
  const { asked, url } = await serve(
    t,
    problem(503, "too_many_connections", { "retry-after": "0" }),
    stream(`retry: 10\n\n${accepted}id: 1-5-b\n\n${half}`),
    lost,
    stream(told(undefined, { type: "update_job_progress", job_id: "j", progress: 0.5, timestamp: 1 })),
    stream(told("1-6-c", ended), true),
  );
  const types = [];
  const watch = new Callboard({ url }).watch("j");
  for await (const { type } of watch) types.push(type);
  assert.deepEqual(types, ["job_accepted", "update_job_progress", "complete_job"]);
  const positions = asked.map(({ headers }) => headers["last-event-id"]);
  assert.deepEqual(positions, [undefined, undefined, "1-5-b", "1-5-b", "1-5-b"]);
  assert.equal(watch.position, "1-6-c");
});

test("an error in the stream ends it", async (t) => {
  const { url } = await serve(
    t,
    stream(told("", { type: "error", code: "rate_limited", error: "no", timestamp: 1 })),
  );
  await assert.rejects(new Callboard({ url }).watch({ client: "c" }).next(), { code: "rate_limited" });
});

test("a silent connection is given up and resumed", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const asked = [];
  let isHeard = () => {};
  const fetch = async (_url, { headers, signal }) => {
    asked.push(headers["last-event-id"]);
    const first = asked.length === 1;
    const body = new ReadableStream({
      start(controller) {
        const accepted = { type: "job_accepted", job_id: "j", status: "queued", timestamp: 1 };
        controller.enqueue(new TextEncoder().encode(first ? told("1-1-a", accepted) : told("1-2-b", ended)));
        signal.addEventListener("abort", () => controller.error(signal.reason));
      },
      pull: () => {
        if (first) isHeard();
      },
    });
    return new Response(body);
  };
  const watch = new Callboard({
    url: "http://board",
    fetch: /** @type {typeof globalThis.fetch} */ (fetch),
  }).watch("j");
  assert.equal((await watch.next()).value?.type, "job_accepted");
  const listening = new Promise((resolve) => {
    isHeard = () => resolve(undefined);
  });
  const next = watch.next();
  await Promise.race([listening, new Promise((resolve) => setImmediate(resolve))]);
  t.mock.timers.tick(45_000);
  await new Promise((resolve) => setImmediate(resolve));
  t.mock.timers.tick(10_000);
  assert.equal((await next).value?.type, "complete_job");
  assert.deepEqual(asked, [undefined, "1-1-a"]);
});

test("an abort ends a pause, a call and a watch at once, with its reason", async (t) => {
  const hang = () => {};
  const { url } = await serve(
    t,
    problem(503, "inbox_full", { "retry-after": "30" }),
    hang,
    stream("\n", true),
    stream("\n", true),
  );
  const board = new Callboard({ url });
  const reason = new Error("enough");
  for (const begin of [
    (signal) => board.submit(job, { signal }),
    (signal) => board.job("j", { signal }),
    (signal) => board.wait("j", { signal }),
    (signal) => board.watch({ client: "c" }, { signal }).next(),
  ]) {
    const controller = new AbortController();
    const work = begin(controller.signal);
    setTimeout(() => controller.abort(reason), 100);
    await assert.rejects(work, reason);
  }
  await assert.rejects(board.job("j", { signal: AbortSignal.abort(reason) }), reason);
});

test("who stops reading lets go of the connection", async (t) => {
  let closed;
  const accepted = told("1-1-a", { type: "job_accepted", job_id: "j", status: "queued", timestamp: 1 });
  const { url } = await serve(t, (response, request) => {
    closed = once(request.socket, "close");
    stream(accepted, true)(response);
  });
  for await (const message of new Callboard({ url }).watch("j")) {
    assert.equal(message.type, "job_accepted");
    break;
  }
  await closed;
});

test("Retry-After is seconds or a date", () => {
  assert.equal(retryAfter("2"), 2_000);
  assert.equal(retryAfter("Wed, 21 Oct 2026 07:28:03 GMT", Date.parse("2026-10-21T07:28:00Z")), 3_000);
  assert.equal(retryAfter("Wed, 21 Oct 2026 07:28:00 GMT", Date.parse("2026-10-21T07:28:09Z")), 0);
  assert.equal(retryAfter("soon"), undefined);
  assert.equal(retryAfter(null), undefined);
});
