import { Doors } from "./doors.js";
import { type CallboardError, JobFailed } from "./error.js";
import { type NewJob, newJobId } from "./new-job.js";
import { Watch, type Watched, type WatchOptions } from "./watch.js";
import type { Cancelled, ClientMessage, FailureView, JobList, JobView, OneJob, Submitted } from "./wire.js";

const PATIENCE_MS = 60_000;

/** Where the broker is, and who asks. */
export interface Connection {
  /** `http://127.0.0.1:3331`; a path in front of the doors is kept. */
  readonly url: string | URL;
  readonly token?: string | undefined;
  /** Which of the token's programs this is: `watch({client})` follows all that it submits. */
  readonly clientId?: string | undefined;
  /** For so long a call is tried again when the broker cannot be reached or has too much to do; 60 s if absent. */
  readonly patienceMs?: number | undefined;
  /** Instead of the platform's. */
  readonly fetch?: typeof globalThis.fetch | undefined;
}

export interface CallOptions {
  /** The call then throws the signal's reason. What it had set going goes on. */
  readonly signal?: AbortSignal | undefined;
}

export interface WaitOptions extends CallOptions {
  /** Is shown every message on the way. */
  readonly onMessage?: ((message: ClientMessage) => void) | undefined;
}

/** Which jobs: all of these have to hold, of several values with commas one suffices. */
export interface JobFilter {
  readonly status?: string;
  readonly service?: string;
  readonly customer_id?: string;
  readonly workflow_id?: string;
  readonly worker_id?: string;
  readonly machine_id?: string;
  /** Submitted then or later: RFC 3339 or Unix milliseconds. */
  readonly since?: string | number;
  /** Submitted before. */
  readonly until?: string | number;
  /** Words in the text of a job that has ended (`serve --search`). */
  readonly q?: string;
  /** Of one page; 50 if absent, at most 500. */
  readonly limit?: number;
  /** `next_cursor` of the page before. */
  readonly cursor?: string;
}

/** A broker. Every method throws a {@link CallboardError} if the broker says no. */
export class Callboard {
  readonly #doors: Doors;
  readonly #clientId: string | undefined;

  constructor({ url, token, clientId, patienceMs = PATIENCE_MS, fetch = globalThis.fetch }: Connection) {
    // A browser's `fetch` must not be called as a method of anything else.
    this.#doors = new Doors(url, token, patienceMs, (input, init) => fetch(input, init));
    this.#clientId = clientId;
  }

  /**
   * Submits a job. It has an id before it is sent, so that sending it again after an answer that was lost is the same
   * job; `duplicate` in the answer says that it was there.
   */
  async submit(job: NewJob, { signal }: CallOptions = {}): Promise<Submitted> {
    const body = { ...job, job_id: job.job_id ?? newJobId() };
    const headers: Record<string, string> =
      this.#clientId === undefined ? {} : { "x-client-id": this.#clientId };
    return this.#doors.call<Submitted>({ method: "POST", path: "/api/jobs", body, headers, signal });
  }

  /** What happens to a job, to a client's jobs or to a workflow's, from its present state or from `since` on. */
  watch(watched: Watched, options: WatchOptions = {}): Watch {
    return new Watch(this.#doors, watched, options);
  }

  /**
   * Waits for a job's end.
   *
   * @returns its result
   * @throws {JobFailed} it failed, was cancelled or expired
   */
  async wait<Result = unknown>(jobId: string, { signal, onMessage }: WaitOptions = {}): Promise<Result> {
    for await (const message of this.watch(jobId, { signal })) {
      onMessage?.(message);
      if (message.type !== "complete_job") continue;
      const { result } = message;
      if (result.status === "success") return result.data as Result;
      const { error, cancelled = false, expired = false } = result;
      const failure = cancelled ? undefined : await this.#failure(jobId, signal);
      throw new JobFailed(jobId, error, cancelled, expired, failure);
    }
    throw new Error(`the stream of job ${jobId} ended before the job; this is a bug`);
  }

  /** Submits a job and waits for its result. */
  async run<Result = unknown>(job: NewJob, options: WaitOptions = {}): Promise<Result> {
    const { job_id } = await this.submit(job, options);
    return this.wait<Result>(job_id, options);
  }

  /** Ends a job that has not ended; one that was cancelled before stays so. */
  async cancel(jobId: string, { signal }: CallOptions = {}): Promise<Cancelled> {
    return this.#doors.call<Cancelled>({ method: "POST", path: `${pathOf(jobId)}/cancel`, body: {}, signal });
  }

  /**
   * Submits an ended job once more, as a new one. After a lost answer nobody knows whether there is a new job
   * (`retry_of` in a list tells), so this is only sent again when the broker is sure not to have done it.
   */
  async retry(jobId: string, { signal }: CallOptions = {}): Promise<Submitted> {
    const mayRepeat = (error: CallboardError) => error.status === 429 || error.code === "inbox_full";
    const path = `${pathOf(jobId)}/retry`;
    return this.#doors.call<Submitted>({ method: "POST", path, body: {}, signal, mayRepeat });
  }

  /** A job as it is now, with payload, result and attempts. */
  async job(jobId: string, { signal }: CallOptions = {}): Promise<JobView> {
    return (await this.#doors.call<OneJob>({ method: "GET", path: pathOf(jobId), signal })).job;
  }

  /** One page of jobs, newest first; `next_cursor` goes on where it ended. */
  async jobs(filter: JobFilter = {}, { signal }: CallOptions = {}): Promise<JobList> {
    const given = Object.entries(filter).filter(([, value]) => value !== undefined);
    const query = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
    return this.#doors.call<JobList>({ method: "GET", path: `/api/jobs?${query}`, signal });
  }

  /** All jobs of a filter, page by page. */
  async *allJobs(filter: JobFilter = {}, options: CallOptions = {}): AsyncGenerator<JobView> {
    let cursor = filter.cursor;
    do {
      const page = await this.jobs(cursor === undefined ? filter : { ...filter, cursor }, options);
      yield* page.jobs;
      cursor = page.next_cursor ?? undefined;
    } while (cursor !== undefined);
  }

  /** What kind of failure it was; the messages do not say it. */
  async #failure(jobId: string, signal: AbortSignal | undefined): Promise<FailureView | undefined> {
    try {
      return (await this.job(jobId, { signal })).failure ?? undefined;
    } catch {
      signal?.throwIfAborted();
      // It ended all the same, and that is what was asked.
      return undefined;
    }
  }
}

function pathOf(jobId: string): string {
  return `/api/jobs/${encodeURIComponent(jobId)}`;
}
