import { CallboardError, isTransient, refusal, unreachable } from "./error.js";
import { Pauses, sleep } from "./pauses.js";

/** Nothing at all for so long is no answer any more. */
const ANSWER_MS_MAX = 60_000;

/** One request on its way, which ends with the caller's signal, or when it has been silent for too long. */
export class Line {
  #controller = new AbortController();
  #silence: ReturnType<typeof setTimeout> | undefined;
  readonly #abort = () => this.#controller.abort(this.caller?.reason);

  constructor(
    private readonly caller: AbortSignal | undefined,
    private readonly silenceMs: number,
  ) {
    if (caller?.aborted) this.#abort();
    caller?.addEventListener("abort", this.#abort, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Waits for what comes over this line. What the network says of its failure is told in our words. */
  async hear<T>(coming: Promise<T>): Promise<T> {
    const silent = () => this.#controller.abort(unreachable(`silent for ${this.silenceMs} ms`));
    this.#silence = setTimeout(silent, this.silenceMs);
    try {
      return await coming;
    } catch (error) {
      this.caller?.throwIfAborted();
      throw error instanceof CallboardError ? error : unreachable(sentence(error), error);
    } finally {
      clearTimeout(this.#silence);
    }
  }

  /** Lets go of the connection. */
  close(): void {
    this.caller?.removeEventListener("abort", this.#abort);
    this.#controller.abort();
  }
}

/** What went wrong on the way; `fetch` hides it in the cause. */
function sentence(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return String(cause instanceof Error && cause.message ? cause.message : error);
}

export interface Call {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  readonly signal?: AbortSignal | undefined;
  /** Whether it may be sent again after this error; it may after any that is transient, unless it says more. */
  readonly mayRepeat?: (error: CallboardError) => boolean;
}

/** The broker's doors, knocked at until they answer. */
export class Doors {
  readonly #base: string;
  readonly #headers: Record<string, string>;

  constructor(
    url: string | URL,
    token: string | undefined,
    readonly patienceMs: number,
    private readonly fetch: typeof globalThis.fetch,
  ) {
    this.#base = new URL(url).href.replace(/[/]+$/, "");
    this.#headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  }

  /** The body of the answer; what is transient is tried again for as long as there is patience. */
  async call<T>(call: Call): Promise<T> {
    const pauses = new Pauses(this.patienceMs);
    for (;;) {
      try {
        return await this.#once<T>(call);
      } catch (error) {
        if (!isTransient(error) || !(call.mayRepeat?.(error) ?? true)) throw error;
        const pause = pauses.next(error.retryAfterMs);
        if (pause === undefined) throw error;
        await sleep(pause, call.signal);
      }
    }
  }

  async #once<T>(call: Call): Promise<T> {
    const line = new Line(call.signal, ANSWER_MS_MAX);
    try {
      const response = await this.open(call, line);
      return (await line.hear(response.json())) as T;
    } finally {
      line.close();
    }
  }

  /** The answer, whose body comes over `line`. Every answer but a success is an error. */
  async open(call: Call, line: Line): Promise<Response> {
    const headers: Record<string, string> = { ...this.#headers, ...call.headers };
    const request: RequestInit = { method: call.method, headers, signal: line.signal, cache: "no-store" };
    if (call.body !== undefined) {
      headers["content-type"] = "application/json";
      request.body = JSON.stringify(call.body);
    }
    const response = await line.hear(this.fetch(this.#base + call.path, request));
    if (!response.ok) throw await line.hear(refusal(response));
    return response;
  }
}
