// One run: a redis-server of its own, worker processes, a producer and a watcher (this process).
// Every job must have run once, be completed with the right result, and nothing else be there.
//
//   node life.mjs '{"fsync":"everysec","jobs":2000,"payload":1024,"concurrency":64,"workers":1}'

import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Queue, QueueEvents } from "bullmq";
import IORedis from "ioredis";
import { payloadOf, resultOf } from "./content.mjs";
import { usage } from "./usage.mjs";

const QUEUE = "render";
// Jobs that were added and are not completed: as many as the other side lets wait and run.
const OPEN_PER_LANE = 3;
const REDIS_WAIT_MS = 10_000;
const LAST_WAIT_MS = 60_000;
const PAGE = 1_000;

const asked = { dir: tmpdir(), ...JSON.parse(process.argv[2] ?? "{}") };
const { fsync, jobs, payload, concurrency, workers, dir } = asked;

const delay = (ms) => new Promise((wake) => setTimeout(wake, ms));

function check(holds, sentence) {
    if (!holds) {
        throw new Error(sentence);
    }
}

async function freePort() {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address();
    server.close();
    await once(server, "close");
    return port;
}

// As https://docs.bullmq.io/guide/going-to-production says, and no snapshots beside the log.
async function startRedis(folder) {
    const port = await freePort();
    const settings = { port, bind: "127.0.0.1", dir: folder, appendonly: "yes", appendfsync: fsync };
    const more = { "maxmemory-policy": "noeviction", save: "", logfile: join(folder, "redis.log"), daemonize: "no" };
    const args = Object.entries({ ...settings, ...more }).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const redis = spawn("redis-server", args, { stdio: "ignore" });
    const failed = once(redis, "error").then(([error]) => {
        throw new Error(`redis-server cannot be started: ${error.message}`);
    });
    await Promise.race([failed, answers(port)]);
    return { redis, port };
}

async function answers(port) {
    const until = Date.now() + REDIS_WAIT_MS;
    const client = new IORedis({ host: "127.0.0.1", port, maxRetriesPerRequest: null, retryStrategy: () => 20 });
    client.on("error", () => {});
    while ((await Promise.race([client.ping(), delay(200)])) !== "PONG") {
        check(Date.now() < until, "redis-server does not answer");
    }
    client.disconnect();
}

function startWorker(port) {
    const setup = JSON.stringify({ port, queue: QUEUE, concurrency });
    const process_ = fork(new URL("./worker.mjs", import.meta.url), [setup]);
    process_.on("message", ({ error }) => error && console.error(`bullmq worker: ${error}`));
    return process_;
}

async function said(worker, key, ask) {
    if (ask) {
        worker.send(ask);
    }
    for (;;) {
        const [message] = await once(worker, "message");
        if (key in message) {
            return message[key];
        }
    }
}

// Adds all jobs over as many lanes as run at once, and waits until all are completed.
async function produce(queue, events) {
    const [ids, ends, open] = [new Map(), new Map(), { count: 0, wake: [] }];
    events.on("completed", ({ jobId, returnvalue }) => {
        ends.set(jobId, [...(ends.get(jobId) ?? []), returnvalue]);
        open.count -= 1;
        open.wake.pop()?.();
    });
    let [next, addTime] = [0, []];
    const lane = async () => {
        while (next < jobs) {
            const n = next++;
            while (open.count >= OPEN_PER_LANE * concurrency) {
                await new Promise((wake) => open.wake.push(wake));
            }
            open.count += 1;
            const began = performance.now();
            const { id } = await queue.add("render", payloadOf(n, payload));
            addTime.push(performance.now() - began);
            check(!ids.has(id), `two jobs were added as ${id}`);
            ids.set(id, n);
        }
    };
    // The stream of events keeps 10,000; should one be lost, the producer must not wait for it.
    const recount = setInterval(async () => {
        const { waiting, active } = await queue.getJobCounts("waiting", "active");
        open.count = Math.min(open.count, waiting + active + concurrency);
        open.wake.pop()?.();
    }, 500);
    await Promise.all(Array.from({ length: concurrency }, lane));
    const until = Date.now() + LAST_WAIT_MS;
    while ((await queue.getCompletedCount()) < jobs) {
        check(Date.now() < until, "not all jobs were completed in time");
        await delay(5);
    }
    clearInterval(recount);
    addTime = addTime.sort((a, b) => a - b);
    return { ids, ends, addTime };
}

async function checkDelivery(queue, ids, ends, runs) {
    const counts = await queue.getJobCounts();
    const others = Object.entries(counts).filter(([state, count]) => state !== "completed" && count > 0);
    check(counts.completed === jobs && others.length === 0, `after it there are ${JSON.stringify(counts)}`);
    const seen = new Set();
    for (let from = 0; from < jobs; from += PAGE) {
        for (const job of await queue.getCompleted(from, from + PAGE - 1)) {
            const wanted = payloadOf(ids.get(job.id), payload);
            check(!seen.has(job.id) && JSON.stringify(job.data) === JSON.stringify(wanted), `${job.id} is not as it was`);
            const [result, expected] = [job.returnvalue, resultOf(wanted)].map((value) => JSON.stringify(value));
            check(result === expected, `${job.id} has the result ${result}`);
            check(runs.get(job.id) === 1, `${job.id} ran ${runs.get(job.id)} times`);
            check((ends.get(job.id)?.length ?? 1) === 1, `the watcher was told twice that ${job.id} ended`);
            seen.add(job.id);
        }
    }
    check(seen.size === jobs, `${seen.size} of ${jobs} jobs are there`);
}

const folder = mkdtempSync(join(dir, "bullmq-"));
const { redis, port } = await startRedis(folder);
const children = [];
try {
    const connection = { host: "127.0.0.1", port };
    const queue = new Queue(QUEUE, { connection: { ...connection, enableOfflineQueue: false } });
    const events = new QueueEvents(QUEUE, { connection });
    for (const thing of [queue, events]) {
        thing.on("error", (error) => console.error(`bullmq: ${error}`));
        await thing.waitUntilReady();
    }
    children.push(...Array.from({ length: workers }, () => startWorker(port)));
    await Promise.all(children.map((worker) => said(worker, "ready")));

    const use = async () => ({
        redis: usage(redis.pid),
        load: usage(process.pid),
        workers: await Promise.all(children.map((worker) => said(worker, "usage", "usage"))),
    });
    const before = await use();
    const began = performance.now();
    const { ids, ends, addTime } = await produce(queue, events);
    const seconds = (performance.now() - began) / 1e3;
    const after = await use();

    const runs = new Map();
    for (const worker of children) {
        for (const [id, times] of await said(worker, "runs", "end")) {
            runs.set(id, (runs.get(id) ?? 0) + times);
        }
    }
    const until = Date.now() + 2_000;
    while (ends.size < jobs && Date.now() < until) {
        await delay(10);
    }
    await checkDelivery(queue, ids, ends, runs);
    await Promise.all([queue.close(), events.close()]);

    const each = (to, from) => (to.cpu_us - from.cpu_us) / jobs;
    const workerCpu = after.workers.reduce((sum, worker, at) => sum + each(worker, before.workers[at]), 0);
    const figures = {
        jobs_per_s: jobs / seconds,
        redis_cpu_us_per_job: each(after.redis, before.redis),
        worker_cpu_us_per_job: workerCpu,
        load_cpu_us_per_job: each(after.load, before.load),
        submit_p50_us: addTime[Math.floor(addTime.length / 2)] * 1e3,
        submit_p99_us: addTime[Math.floor(addTime.length * 0.99)] * 1e3,
        broker_rss_mib: after.redis.rss_mib,
        ends_the_watcher_missed: jobs - ends.size,
    };
    console.log(JSON.stringify(figures));
} finally {
    for (const child of children) {
        child.kill("SIGKILL");
    }
    redis.kill("SIGKILL");
    if (redis.exitCode === null && redis.signalCode === null) {
        await once(redis, "exit");
    }
    rmSync(folder, { recursive: true, force: true });
}
process.exit(0);
