import type { Fleet, Job, Machine, Worker } from "./fleet";

/** A worker with the jobs it holds. */
export interface Hand {
  readonly worker: Worker;
  readonly jobs: readonly Job[];
}

/** A machine with its workers, by name. */
export interface Crew {
  readonly machine: Machine;
  readonly hands: readonly Hand[];
}

/** Silent machines first, then by name. What is as it was in `before` is the same object again. */
export function crews({ machines, workers, active }: Fleet, before: readonly Crew[]): readonly Crew[] {
  const oldCrews = new Map(before.map((crew) => [crew.machine.machine_id, crew]));
  const jobs = groupBy(active.values(), (job) => job.worker_id);
  const crewOf = groupBy(workers.values(), (worker) => worker.machine_id);
  const sorted = [...machines.values()].sort(bySilenceAndName);
  return sorted.map((machine) => {
    const old = oldCrews.get(machine.machine_id);
    const oldHands = new Map(old?.hands.map((hand) => [hand.worker.id, hand]));
    const crew = (crewOf.get(machine.machine_id) ?? []).sort((a, b) => compare(a.id, b.id));
    const hands = crew.map((worker) => {
      const hand = { worker, jobs: jobs.get(worker.id) ?? [] };
      const oldHand = oldHands.get(worker.id);
      return oldHand?.worker === worker && isSame(oldHand.jobs, hand.jobs) ? oldHand : hand;
    });
    return old?.machine === machine && isSame(old.hands, hands) ? old : { machine, hands };
  });
}

/** As `Map.groupBy`, which not every browser in use has. */
export function groupBy<K, V>(all: Iterable<V>, keyOf: (one: V) => K): Map<K, V[]> {
  const groups = new Map<K, V[]>();
  for (const one of all) {
    const group = groups.get(keyOf(one));
    if (group) group.push(one);
    else groups.set(keyOf(one), [one]);
  }
  return groups;
}

function bySilenceAndName(a: Machine, b: Machine): number {
  const silence = Number(b.silentSince !== null) - Number(a.silentSince !== null);
  return silence || compare(a.machine_id, b.machine_id);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function isSame<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((one, at) => one === b[at]);
}
