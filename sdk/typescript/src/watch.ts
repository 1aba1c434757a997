import { type Doors, Line } from "./doors.js";
import { CallboardError, isTransient } from "./error.js";
import { type Block, Parser } from "./parser.js";
import { Pauses, sleep } from "./pauses.js";
import type { ClientMessage } from "./wire.js";

/** What is watched: one job to its end, or without end all that a client submits or all jobs of a workflow. */
export type Watched = string | { readonly client: string } | { readonly workflow: string };

export interface WatchOptions {
  /** Goes on after this position: the `event_id` of the last message that was dealt with, or {@link Watch.position}. */
  readonly since?: string | undefined;
  /** The iterator then throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** The broker says something every 15 s at least; silence beyond this is a lost connection. */
const SILENCE_MS = 45_000;

/**
 * What happens, message by message, over as many connections as it takes: each goes on where the last one was cut,
 * so that no event is missed and none comes twice. Only `update_job_progress`, which replaces itself, may repeat.
 *
 * A job's messages end after its `complete_job`. If what was missed is no longer kept, a `resync` says so and the
 * present state follows.
 */
export class Watch implements AsyncIterableIterator<ClientMessage, undefined> {
  #position: string | undefined;
  readonly #messages: AsyncGenerator<ClientMessage, undefined>;
  #isGreeted = false;
  #retryMs: number | undefined;

  /** Use {@link Callboard.watch}. */
  constructor(
    private readonly doors: Doors,
    private readonly watched: Watched,
    private readonly options: WatchOptions,
  ) {
    this.#position = options.since;
    this.#messages = this.#watch();
  }

  /** Where to go on later (`since`): after the last message that was given, and what else passed by. */
  get position(): string | undefined {
    return this.#position;
  }

  next(): Promise<IteratorResult<ClientMessage, undefined>> {
    return this.#messages.next();
  }

  return(): Promise<IteratorResult<ClientMessage, undefined>> {
    return this.#messages.return(undefined);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async *#watch(): AsyncGenerator<ClientMessage, undefined> {
    const { signal } = this.options;
    // Until it was connected once: a wrong address should not be tried for ever.
    const pauses = new Pauses(this.doors.patienceMs);
    for (;;) {
      const line = new Line(signal, SILENCE_MS);
      let lost: CallboardError | undefined;
      try {
        for await (const message of this.#connect(line)) {
          pauses.reset();
          if (message.type === "error") throw new CallboardError(message.code, 0, message.error);
          yield message;
          if (message.type === "complete_job" && typeof this.watched === "string") return;
        }
        if (this.#isOver) return;
      } catch (error) {
        if (!isTransient(error) || (error.code !== "unreachable" && error.status === 0)) throw error;
        lost = error;
      } finally {
        line.close();
      }
      const pause = pauses.next(lost?.retryAfterMs, this.#retryMs);
      if (pause === undefined) throw lost ?? new CallboardError("unreachable", 0, "the stream ended at once");
      await sleep(pause, signal);
    }
  }

  #isOver = false;

  /** One connection, to its end. */
  async *#connect(line: Line): AsyncGenerator<ClientMessage> {
    const headers: Record<string, string> = { accept: "text/event-stream" };
    if (this.#position) headers["last-event-id"] = this.#position;
    const { signal } = this.options;
    const response = await this.doors.open(
      { method: "GET", path: path(this.watched), headers, signal },
      line,
    );
    // The end was seen already.
    this.#isOver = response.status === 204;
    if (response.body === null) return;
    const parser = new Parser();
    for await (const { position, data } of blocks(response.body, parser, line)) {
      this.#retryMs = parser.retryMs;
      if (position !== "") this.#position = position;
      if (data === undefined) continue;
      const message = JSON.parse(data) as ClientMessage;
      if (message.type === "connection_established") {
        if (this.#isGreeted) continue;
        this.#isGreeted = true;
      }
      yield message;
    }
  }
}

async function* blocks(body: ReadableStream<Uint8Array>, parser: Parser, line: Line): AsyncGenerator<Block> {
  const reader = body.getReader();
  for (;;) {
    // Only while it is waited for: a reader that takes its time is not the broker's silence.
    const { done, value } = await line.hear(reader.read());
    if (done) return;
    yield* parser.push(value);
  }
}

function path(watched: Watched): string {
  if (typeof watched === "string") return `/api/jobs/${encodeURIComponent(watched)}/events`;
  if ("client" in watched) return `/api/events/client?client_id=${encodeURIComponent(watched.client)}`;
  return `/api/events/client?workflow_id=${encodeURIComponent(watched.workflow)}`;
}
