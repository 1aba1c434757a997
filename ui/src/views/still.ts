import { useEffect, useRef, useState } from "preact/hooks";
import type { Job } from "../fleet";

/** A list whose rows leave and come while someone aims at one is not pleasant to click on. */
const STILL_MS = 1_000;

export interface Row {
  readonly job: Job;
  /** It has left the list. */
  readonly isGone: boolean;
}

/**
 * The list as it is – except while the pointer moves over it, and for a second after: then its
 * rows keep their places, those that have left are marked, and new ones wait.
 */
export function useStill(jobs: readonly Job[]) {
  const shown = useRef(jobs);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const [held, hold] = useState<readonly Job[]>();
  useEffect(() => () => clearTimeout(timer.current), []);
  shown.current = jobs;
  const onPointerMove = () => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => hold(undefined), STILL_MS);
    if (!held) hold(shown.current);
  };
  const rows: Row[] = held ? heldStill(held, jobs) : jobs.map((job) => ({ job, isGone: false }));
  return { rows, onPointerMove };
}

function heldStill(held: readonly Job[], jobs: readonly Job[]): Row[] {
  const current = new Map(jobs.map((job) => [job.id, job]));
  return held.map((old) => {
    const job = current.get(old.id);
    return { job: job ?? old, isGone: job === undefined };
  });
}
