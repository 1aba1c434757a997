// A broker of its own for a test, and a worker that is played here.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

const CALLBOARD = process.env.CALLBOARD;

/** What ends when the test does. @typedef {{ after(work: () => unknown): void }} Test */

/**
 * @param {Test} t
 * @param {{ store?: string, listen?: string, args?: string[] }} [how]
 */
export async function startBroker(t, { store = "memory:", listen = "127.0.0.1:0", args = [] } = {}) {
  if (!CALLBOARD) throw new Error("CALLBOARD names no binary; run `cargo xtask sdk`");
  const words = ["serve", "--listen", listen, "--store", store, ...args];
  const broker = spawn(CALLBOARD, words, {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, NO_COLOR: "1" },
  });
  const ended = once(broker, "exit");
  const kill = () => {
    broker.kill("SIGKILL");
    return ended;
  };
  t.after(kill);
  const lines = createInterface(broker.stderr);
  let said = "";
  for await (const line of lines) {
    said += `${line}\n`;
    const at = line.match(/ at (http:[^ ]+)/);
    if (at) {
      // Read on, so that it never blocks on us.
      broker.stderr.resume();
      return { url: at[1], address: new URL(at[1]).host, kill };
    }
  }
  throw new Error(`the broker did not start:\n${said}`);
}

export class Worker {
  #session = "";

  /** @param {string} url */
  constructor(url, id = "gpu-1-a", service = "render") {
    this.url = url;
    this.id = id;
    this.service = service;
  }

  async join() {
    await this.#ask("PUT", "/api/machines/gpu-1", { hostname: "gpu-1" });
    const body = { machine_id: "gpu-1", services: [this.service] };
    this.#session = (await this.#ask("PUT", `/api/workers/${this.id}`, body)).session;
    return this;
  }

  /** A job that is there, started. */
  async take() {
    const headers = { "x-worker-session": this.#session };
    const path = `/api/workers/${this.id}/next?wait_ms=10000&start=1`;
    const { lease, job } = await this.#ask("POST", path, { have: [] }, headers);
    return { job, lease: lease.lease_id };
  }

  /** @param {{ lease: string }} run */
  progress({ lease }, progress) {
    return this.#ask("POST", `/api/leases/${lease}/progress`, { progress });
  }

  /** @param {{ lease: string }} run */
  finish({ lease }, result) {
    return this.#ask("POST", `/api/leases/${lease}/finish`, { result });
  }

  /** @param {{ lease: string }} run */
  fail({ lease }, body) {
    return this.#ask("POST", `/api/leases/${lease}/fail`, body);
  }

  async #ask(method, path, body, headers = {}) {
    const answer = await fetch(this.url + path, { method, headers, body: JSON.stringify(body) });
    const text = await answer.text();
    if (answer.status !== 200) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return JSON.parse(text);
  }
}

/** Reads messages until one is as it should be; they are added to `read`. */
export async function until(watch, isSo, read = []) {
  for (;;) {
    const { done, value } = await watch.next();
    if (done) throw new Error(`the messages ended: ${JSON.stringify(read)}`);
    read.push(value);
    if (isSo(value)) return read;
  }
}
