// The same lives of jobs here and in a peer, in turn, so that what else the machine does meets
// both alike. `cargo xtask peers` builds what is needed and calls it; README.md says what is
// compared.
//
//   node bench/peers/run.mjs --callboard target/release/callboard [--runs 5] [--jobs 20000]
//                            [--payload 1024] [--dir FOLDER] [--short] [--json]

import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { parseArgs, promisify } from "node:util";

const call = promisify(execFile);

const { values: args } = parseArgs({
    options: {
        callboard: { type: "string" },
        runs: { type: "string", default: "5" },
        jobs: { type: "string", default: "20000" },
        payload: { type: "string", default: "1024" },
        dir: { type: "string", default: tmpdir() },
        short: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
    },
});
if (!args.callboard) {
    throw new Error("--callboard: the program to compare, such as target/release/callboard");
}
const [runs, jobs] = args.short ? [1, 1_000] : [Number(args.runs), Number(args.jobs)];
const payload = Number(args.payload);

// What is tried before anything is measured; the fastest is taken, on both sides.
const LANES = [32, 64, 128, 256];
const WORKERS = [1, 2];
const TUNING_JOBS = 5_000;
// Each is tried so often and its best counts: a pause of the machine must not choose.
const TUNING_RUNS = 2;

async function bullmq(fsync, setup, count) {
    const asked = { fsync, jobs: count, payload, dir: args.dir, concurrency: setup.lanes, workers: setup.workers };
    const script = new URL("./bullmq/life.mjs", import.meta.url).pathname;
    const { stdout } = await call("node", [script, JSON.stringify(asked)]);
    const figures = JSON.parse(stdout);
    const { redis_cpu_us_per_job: redis, worker_cpu_us_per_job: worker, load_cpu_us_per_job: load } = figures;
    return { ...figures, server_cpu: redis, with_workers_cpu: redis + worker, all_cpu: redis + worker + load };
}

async function callboard(setup, count) {
    const flags = ["--way", "chained", "--watchers", "1", "--runs", "1", "--json", "--dir", args.dir];
    const sizes = ["--jobs", String(count), "--payload", String(payload), "--connections", String(setup.lanes)];
    const { stdout } = await call(args.callboard, ["bench", "life", ...flags, ...sizes]);
    const figures = JSON.parse(stdout).parts[0].median;
    const { broker_cpu_us_per_job: broker, load_cpu_us_per_job: load } = figures;
    // Its workers are part of the load, so what runs beside the broker cannot be told apart.
    return { ...figures, server_cpu: broker, with_workers_cpu: broker, all_cpu: broker + load };
}

const SIDES = [
    { name: "BullMQ, fsync every second", run: (setup, count) => bullmq("everysec", setup, count), workers: WORKERS },
    { name: "BullMQ, fsync always", run: (setup, count) => bullmq("always", setup, count), workers: WORKERS },
    { name: "Callboard", run: callboard, workers: [1] },
];

async function tuned(side) {
    let best = { lanes: 64, workers: 1, rate: 0 };
    if (args.short) {
        return best;
    }
    for (const lanes of LANES) {
        for (const workers of side.workers) {
            let rate = 0;
            for (let run = 0; run < TUNING_RUNS; run++) {
                const figures = await side.run({ lanes, workers }, Math.min(jobs, TUNING_JOBS));
                rate = Math.max(rate, figures.jobs_per_s);
            }
            console.error(`${side.name}: ${words({ lanes, workers })}: ${Math.round(rate)} jobs/s`);
            best = rate > best.rate ? { lanes, workers, rate } : best;
        }
    }
    return best;
}

function words({ lanes, workers }) {
    return workers > 1 ? `${lanes} lanes, ${workers} worker processes` : `${lanes} lanes`;
}

function median(all, name) {
    const sorted = all.map((figures) => figures[name]).sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)];
}

const ROWS = [
    ["jobs/s", "jobs_per_s"],
    ["server CPU µs/job (redis; broker)", "server_cpu"],
    ["with BullMQ's workers (redis + worker; broker)", "with_workers_cpu"],
    ["everything CPU µs/job (with producer, workers, watcher)", "all_cpu"],
    ["submission answered, p50 µs", "submit_p50_us"],
    ["submission answered, p99 µs", "submit_p99_us"],
    ["server memory MiB", "broker_rss_mib"],
];

const setups = [];
for (const side of SIDES) {
    setups.push(await tuned(side));
}
const measured = SIDES.map(() => []);
for (let run = 1; run <= runs; run++) {
    for (const [at, side] of SIDES.entries()) {
        console.error(`run ${run} of ${runs}: ${side.name}`);
        measured[at].push(await side.run(setups[at], jobs));
    }
}

const pinned = JSON.parse(readFileSync(new URL("./bullmq/package.json", import.meta.url), "utf8")).dependencies;
const redis = (await call("redis-server", ["--version"])).stdout.match(/v=(\S+)/)?.[1];
const ours = (await call(args.callboard, ["--version"])).stdout.trim();
const versions = { ours, ...pinned, redis, node: process.version, cores: availableParallelism() };
const last = SIDES.length - 1;
const medians = (name) => measured.map((all) => median(all, name));

if (args.json) {
    const sides = SIDES.map(({ name }, at) => ({ name, setup: setups[at], runs: measured[at] }));
    console.log(JSON.stringify({ versions, jobs, payload, sides }, null, 2));
} else {
    console.log(Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(", "));
    console.log(`${jobs} jobs of ${payload} B, median of ${runs} runs in turn\n`);
    const lanes = setups.map(words);
    const row = (...cells) => console.log(`| ${cells.join(" | ")} |`);
    row("", ...SIDES.map(({ name }) => name), "ours ÷ every second", "ours ÷ always");
    console.log("|---|---|---|---|---|---|");
    row("as fast as with", ...lanes, "", "");
    for (const [title, name] of ROWS) {
        const all = medians(name);
        const ratios = all.slice(0, last).map((theirs) => (all[last] / theirs).toFixed(2));
        row(title, ...all.map((figure) => Math.round(figure).toLocaleString("en")), ...ratios);
    }
    const missed = measured.flat().reduce((sum, figures) => sum + (figures.ends_the_watcher_missed ?? 0), 0);
    console.log(`\nEnds that BullMQ's watcher was never told, all runs together: ${missed}`);
}
