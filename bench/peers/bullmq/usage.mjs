// What the system says of a process.

import { readFileSync } from "node:fs";

// Processor time in microseconds and memory in MiB, as `callboard bench` counts them.
export function usage(pid) {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const rss = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    return { cpu_us: (Number(fields[11]) + Number(fields[12])) * 10_000, rss_mib: Number(rss[1]) / 1024 };
}
