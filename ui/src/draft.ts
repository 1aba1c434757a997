import type { Fleet, Job, Machine, Worker } from "./fleet";

/** A part of the fleet: read as it is, copied before it is first changed. */
export class Part<T extends object> {
  private own: T | undefined;

  constructor(
    private readonly from: Readonly<T>,
    private readonly copy: (from: Readonly<T>) => T,
  ) {}

  get now(): Readonly<T> {
    return this.own ?? this.from;
  }

  get mine(): T {
    this.own ??= this.copy(this.from);
    return this.own;
  }

  replace(value: T): void {
    this.own = value;
  }
}

const mapPart = <V>(from: ReadonlyMap<string, V>) =>
  new Part<Map<string, V>>(from as Map<string, V>, (old) => new Map(old));
const listPart = <V>(from: readonly V[]) => new Part<V[]>(from as V[], (old) => [...old]);

/** The fleet while a batch of messages is folded into it: what it came from never changes. */
export class Draft {
  readonly machines: Part<Map<string, Machine>>;
  readonly workers: Part<Map<string, Worker>>;
  readonly active: Part<Map<string, Job>>;
  readonly pending: Part<Job[]>;
  readonly completed: Part<Job[]>;
  readonly failed: Part<Job[]>;
  isKnown: boolean;
  pendingCount: number;
  completedCount: number;
  failedCount: number;
  met: number;
  hasStrangers: boolean;

  constructor(from: Fleet) {
    this.machines = mapPart(from.machines);
    this.workers = mapPart(from.workers);
    this.active = mapPart(from.active);
    this.pending = listPart(from.pending);
    this.completed = listPart(from.completed);
    this.failed = listPart(from.failed);
    this.isKnown = from.isKnown;
    this.pendingCount = from.pendingCount;
    this.completedCount = from.completedCount;
    this.failedCount = from.failedCount;
    this.met = from.met;
    this.hasStrangers = from.hasStrangers;
  }

  finish(): Fleet {
    return {
      isKnown: this.isKnown,
      machines: this.machines.now,
      workers: this.workers.now,
      active: this.active.now,
      pending: this.pending.now,
      pendingCount: this.pendingCount,
      completed: this.completed.now,
      failed: this.failed.now,
      completedCount: this.completedCount,
      failedCount: this.failedCount,
      met: this.met,
      hasStrangers: this.hasStrangers,
    };
  }
}
