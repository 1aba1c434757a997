import type { FailureView, Problem } from "./wire.js";

/** The broker said no, or could not be asked. */
export class CallboardError extends Error {
  override readonly name = "CallboardError";

  constructor(
    /** Stable: programs may depend on it. `unreachable` if there was no answer, `unreadable` if it was not the broker's. */
    readonly code: string,
    /** Of HTTP; 0 if there was no answer. */
    readonly status: number,
    /** For people. */
    readonly detail: string,
    /** How long the broker wants to be left alone. */
    readonly retryAfterMs?: number,
    options?: ErrorOptions,
  ) {
    super(`${code}: ${detail}`, options);
  }
}

/** A job ended without a result. */
export class JobFailed extends Error {
  override readonly name = "JobFailed";

  constructor(
    readonly jobId: string,
    /** What the worker said, or the broker. */
    readonly error: string,
    readonly cancelled: boolean,
    readonly expired: boolean,
    /** What kind of failure it was, unless it was cancelled, or nobody knows any more. */
    readonly failure: FailureView | undefined,
  ) {
    super(`job ${jobId}: ${error}`);
  }
}

/** It may go well if it is tried again: nobody answered, or who answered has too much to do. */
export function isTransient(error: unknown): error is CallboardError {
  return error instanceof CallboardError && [0, 429, 502, 503, 504].includes(error.status);
}

export function unreachable(why: string, cause?: unknown): CallboardError {
  return new CallboardError("unreachable", 0, why, undefined, { cause });
}

/** What an answer says that is no success. */
export async function refusal(response: Response): Promise<CallboardError> {
  const retryAfterMs = retryAfter(response.headers.get("retry-after"));
  const text = await response.text();
  try {
    const { code, detail } = JSON.parse(text) as Partial<Problem>;
    if (typeof code === "string" && typeof detail === "string") {
      return new CallboardError(code, response.status, detail, retryAfterMs);
    }
  } catch {
    // A proxy's page, most likely.
  }
  const said = text.slice(0, 200);
  return new CallboardError("unreadable", response.status, `HTTP ${response.status}: ${said}`, retryAfterMs);
}

/** Seconds or a date (RFC 9110, 10.2.3), in milliseconds from now. */
export function retryAfter(header: string | null, now = Date.now()): number | undefined {
  if (header === null) return undefined;
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * 1_000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}
