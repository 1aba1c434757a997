// What the package promises, kept by a real broker.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Callboard, CallboardError, JobFailed } from "callboard";
import { startBroker, until, Worker } from "./board.js";

const job = { service_required: "render", payload: { scene: 7 } };
const ends = (message) => message.type === "complete_job";

test("a job is submitted, watched and completed", async (t) => {
  const { url } = await startBroker(t);
  const worker = await new Worker(url).join();
  const board = new Callboard({ url });
  const { job_id, duplicate } = await board.submit(job);
  assert.match(job_id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(duplicate, undefined);

  const messages = [];
  const result = board.wait(job_id, { onMessage: (message) => messages.push(message) });
  const run = await worker.take();
  assert.deepEqual(run.job.payload, { scene: 7 });
  await worker.progress(run, 0.5);
  await worker.finish(run, { image: "a.png" });
  assert.deepEqual(await result, { image: "a.png" });
  assert.equal(messages.filter(ends).length, 1);

  const known = await board.job(job_id);
  assert.equal(known.status, "completed");
  assert.deepEqual(known.result, { image: "a.png" });

  const again = await board.submit({ ...job, job_id });
  assert.equal(again.duplicate, true);

  const ran = board.run(job);
  await worker.finish(await worker.take(), 1);
  assert.equal(await ran, 1);
});

test("after the end there is nothing left to watch, before it everything", async (t) => {
  const { url } = await startBroker(t);
  const worker = await new Worker(url).join();
  const board = new Callboard({ url });
  const { job_id, event_id } = await board.submit(job);
  await worker.finish(await worker.take(), null);
  const whole = [];
  const watch = board.watch(job_id, { since: event_id ?? undefined });
  for await (const message of watch) whole.push(message);
  assert.deepEqual(
    whole.map((message) => [message.type, message.job_seq]),
    [
      ["job_assigned", 2],
      ["job_status_changed", 3],
      ["complete_job", 4],
    ],
  );
  const rest = [];
  for await (const message of board.watch(job_id, { since: watch.position })) rest.push(message);
  assert.deepEqual(rest, []);
});

test("a broker that is killed and comes back leaves no gap and repeats nothing", {
  timeout: 60_000,
}, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "callboard-sdk-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const store = `sqlite:${join(folder, "board.db")}`;
  const first = await startBroker(t, { store });
  const { url, address: listen } = first;
  const worker = await new Worker(url).join();
  const board = new Callboard({ url, clientId: "api" });

  const all = board.watch({ client: "api" });
  const greeting = await all.next();
  assert.equal(greeting.value?.type, "connection_established");
  const told = [];
  const jobs = [];
  for (let number = 0; number < 5; number += 1) jobs.push((await board.submit(job)).job_id);
  await worker.finish(await worker.take(), 0);
  await until(all, ends, told);
  const run = await worker.take();
  const one = board.watch(run.job.id);
  await one.next();

  await first.kill();
  // Submitted while nobody is there: it is sent until somebody is.
  const late = board.submit(job);
  const second = await startBroker(t, { store, listen });
  jobs.push((await late).job_id);
  await worker.finish(run, 1);
  await until(one, ends);
  assert.equal((await one.next()).done, true);

  await second.kill();
  await startBroker(t, { store, listen });
  await worker.join();
  for (let left = 4; left > 0; left -= 1) await worker.finish(await worker.take(), left);
  let open = 5;
  await until(all, (message) => ends(message) && --open === 0, told);

  for (const id of jobs) {
    const seqs = told
      .filter((message) => message.job_id === id && message.event_id)
      .map((message) => message.job_seq);
    const dense = seqs.map((_, at) => at + 1);
    assert.deepEqual(seqs, dense, `${id}: ${JSON.stringify(told)}`);
    assert.equal(told.filter((message) => ends(message) && message.job_id === id).length, 1);
  }
  const ids = told.map((message) => message.event_id).filter(Boolean);
  assert.equal(new Set(ids).size, ids.length);
  assert.equal(
    told.filter((message) => ["connection_established", "resync"].includes(message.type)).length,
    0,
  );
  await all.return();
});

test("a workflow's jobs are watched, also those submitted later", async (t) => {
  const { url } = await startBroker(t);
  const board = new Callboard({ url });
  const before = await board.submit({ ...job, workflow_id: "w" });
  const watch = board.watch({ workflow: "w" });
  const told = await until(watch, (message) => message.type === "job_accepted");
  const after = await board.submit({ ...job, workflow_id: "w" });
  await board.submit(job);
  const last = await board.submit({ ...job, workflow_id: "w" });
  await until(watch, (message) => message.job_id === last.job_id, told);
  const accepted = told.filter((message) => message.type === "job_accepted").map((message) => message.job_id);
  assert.deepEqual(accepted, [before.job_id, after.job_id, last.job_id]);
});

test("a cancelled job is told as such, and an ended one cannot be cancelled", async (t) => {
  const { url } = await startBroker(t);
  const board = new Callboard({ url });
  const { job_id } = await board.submit(job);
  const isCancelled = assert.rejects(board.wait(job_id), (error) => {
    assert.ok(error instanceof JobFailed);
    const { jobId, cancelled, expired, failure } = error;
    assert.deepEqual(
      { jobId, cancelled, expired, failure },
      { jobId: job_id, cancelled: true, expired: false, failure: undefined },
    );
    return true;
  });
  assert.equal((await board.cancel(job_id)).status, "cancelled");
  assert.equal((await board.cancel(job_id)).status, "cancelled");
  await isCancelled;
  const worker = await new Worker(url).join();
  const ended = await board.submit(job);
  await worker.finish(await worker.take(), null);
  await assert.rejects(board.cancel(ended.job_id), { code: "already_finished", status: 409 });
});

test("a failed job's failure is in the error, and it can be run again as a new one", async (t) => {
  const { url } = await startBroker(t);
  const worker = await new Worker(url).join();
  const board = new Callboard({ url });
  const { job_id } = await board.submit(job);
  await assert.rejects(board.retry(job_id), { code: "not_finished", status: 409 });
  const failure = { type: "bad_input", reason: "no_such_scene" };
  const isFailed = assert.rejects(board.wait(job_id), (error) => {
    assert.ok(error instanceof JobFailed);
    assert.deepEqual([error.error, error.cancelled, error.failure], ["there is no scene 7", false, failure]);
    return true;
  });
  await worker.fail(await worker.take(), { error: "there is no scene 7", failure });
  await isFailed;
  const again = await board.retry(job_id);
  assert.equal(again.retry_of, job_id);
  assert.notEqual(again.job_id, job_id);
});

test("what is refused is an error with the broker's code", async (t) => {
  const { url } = await startBroker(t, { args: ["--token", "client:a-secret-of-twenty-characters"] });
  const stranger = new Callboard({ url });
  await assert.rejects(stranger.job("x"), { code: "unauthorized", status: 401 });
  const board = new Callboard({ url, token: "a-secret-of-twenty-characters" });
  const refused = board.submit({ ...job, priority: -1 });
  await assert.rejects(refused, (error) => {
    assert.ok(error instanceof CallboardError);
    assert.deepEqual([error.code, error.status], ["bad_field", 400]);
    assert.match(error.detail, /priority/);
    return true;
  });
  await assert.rejects(board.wait("nobody"), { code: "job_not_found", status: 404 });
});

test("all jobs are listed, page by page", async (t) => {
  const { url } = await startBroker(t);
  const board = new Callboard({ url });
  const ids = [];
  for (let number = 0; number < 5; number += 1) ids.unshift((await board.submit(job)).job_id);
  const page = await board.jobs({ status: "pending", limit: 2 });
  assert.deepEqual([page.jobs.map(({ id }) => id), page.total], [ids.slice(0, 2), 5]);
  const all = [];
  for await (const { id } of board.allJobs({ service: "render", limit: 2 })) all.push(id);
  assert.deepEqual(all, ids);
});
