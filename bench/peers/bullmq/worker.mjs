// A worker process: takes jobs, says twice how far it is, and answers what only the payload says.

import { Worker } from "bullmq";
import IORedis from "ioredis";
import { resultOf } from "./content.mjs";
import { usage } from "./usage.mjs";

const { port, queue, concurrency } = JSON.parse(process.argv[2]);
const connection = new IORedis({ host: "127.0.0.1", port, maxRetriesPerRequest: null });
const runs = new Map();

const worker = new Worker(
    queue,
    async (job) => {
        runs.set(job.id, (runs.get(job.id) ?? 0) + 1);
        await job.updateProgress({ progress: 0.25, message: "half" });
        await job.updateProgress({ progress: 0.75 });
        return resultOf(job.data);
    },
    { connection, concurrency },
);
worker.on("error", (error) => process.send({ error: String(error) }));
await worker.waitUntilReady();
process.send({ ready: true });

process.on("message", async (message) => {
    if (message === "usage") {
        process.send({ usage: usage(process.pid) });
    }
    if (message === "end") {
        await worker.close();
        process.send({ runs: [...runs] }, () => process.exit(0));
    }
});
