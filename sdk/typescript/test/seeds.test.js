// The two usage examples that programs were written from, run as they stand. The functions that they call record what
// they are called with, and the host that they name is the broker's.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import vm from "node:vm";
import { startBroker, Worker } from "./board.js";

const PORT = 3331;

/** Loopback has 16 million addresses: one of its own, so that the port is free. */
const host = `127.${80 + (process.pid >> 16)}.${(process.pid >> 8) & 255}.${process.pid & 255}`;

class Example {
  /** @type {unknown[][]} */
  calls = [];
  /** @type {WebSocket} */
  // @ts-expect-error: the example opens it
  socket;
  #noticed = () => {};

  /** @param {string[]} names */
  async run(file, names) {
    let opened;
    class AtTheBroker extends WebSocket {
      constructor(url) {
        super(url.replace("//localhost:", `//${host}:`));
        opened = this;
      }
    }
    const record =
      (name) =>
      (...given) => {
        this.calls.push([name, ...given]);
        this.#noticed();
      };
    const stubs = Object.fromEntries(names.map((name) => [name, record(name)]));
    const text = await readFile(new URL(`../../seeds/${file}`, import.meta.url), "utf8");
    vm.runInNewContext(text, { WebSocket: AtTheBroker, console: { log: record("console.log") }, ...stubs });
    this.socket = /** @type {WebSocket} */ (/** @type {unknown} */ (opened));
    await new Promise((resolve) => this.socket.addEventListener("message", resolve, { once: true }));
    return this;
  }

  /** What a function was called with, once it was called so often. */
  async called(name, times = 1) {
    for (;;) {
      const calls = this.calls.filter(([called]) => called === name).map(([, ...given]) => given);
      if (calls.length >= times) return JSON.parse(JSON.stringify(calls));
      await new Promise((resolve) => {
        this.#noticed = () => resolve(undefined);
      });
    }
  }
}

test("the usage examples of the seeds work as they stand", { timeout: 30_000 }, async (t) => {
  const { url } = await startBroker(t, { listen: `${host}:${PORT}` });
  const monitor = await new Example().run("monitor.js", [
    "updateJobsList",
    "updateWorkerStatus",
    "updateMachineStatus",
  ]);
  const client = await new Example().run("client.js", [
    "trackJob",
    "updateProgress",
    "resolveJob",
    "rejectJob",
  ]);
  t.after(() => {
    for (const { socket } of [monitor, client]) socket.close();
  });
  assert.deepEqual(await client.called("console.log"), [["Connected:", "Connected to server"]]);

  const worker = await new Worker(url, "gpu-1-a", "comfyui").join();
  const [[joined]] = await monitor.called("updateWorkerStatus");
  assert.deepEqual([joined.id, joined.status], ["gpu-1-a", "idle"]);
  assert.deepEqual(joined.capabilities.services, ["comfyui"]);

  for (const message_id of ["job-123", "job-124"]) {
    client.socket.send(
      JSON.stringify({ type: "submit_job", message_id, job_type: "comfyui", payload: { prompt: "a cat" } }),
    );
  }
  assert.deepEqual(await client.called("trackJob", 2), [
    ["job-123", "queued"],
    ["job-124", "queued"],
  ]);
  const [[submitted]] = await monitor.called("updateJobsList", 2);
  const { id, job_type, status, payload } = submitted;
  assert.deepEqual(
    { id, job_type, status, payload },
    { id: "job-123", job_type: "comfyui", status: "pending", payload: { prompt: "a cat" } },
  );
  assert.equal(typeof submitted.created_at, "number");

  const good = await worker.take();
  await worker.progress(good, 0.5);
  assert.deepEqual(await client.called("updateProgress"), [["job-123", 0.5]]);
  await worker.finish(good, { image: "cat.png" });
  assert.deepEqual(await client.called("resolveJob"), [["job-123", { image: "cat.png" }]]);
  await worker.fail(await worker.take(), { error: "no cat there", failure: { type: "bad_input" } });
  assert.deepEqual(await client.called("rejectJob"), [["job-124", "no cat there"]]);

  // Each once, and nothing else.
  assert.deepEqual(
    client.calls
      .map(([name]) => name)
      .filter((name) => name !== "updateProgress")
      .sort(),
    ["console.log", "rejectJob", "resolveJob", "trackJob", "trackJob"],
  );
});
