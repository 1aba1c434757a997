const BASE_MS = 250;
const PAUSE_MS_MAX = 10_000;

/** Pauses between tries: exponential backoff with full jitter, so that many who lost one broker do not come back in step. */
export class Pauses {
  #tries = 0;
  #since = Date.now();

  /** In all, no more than so long is spent; what is longer is not begun. */
  constructor(private patienceMs: number) {}

  /** The next pause, at least as long as the broker asked for; `undefined`: enough. */
  next(atLeastMs = 0, baseMs = BASE_MS): number | undefined {
    const ceiling = Math.min(PAUSE_MS_MAX, baseMs * 2 ** Math.min(this.#tries, 20));
    this.#tries += 1;
    const pause = atLeastMs + Math.random() * ceiling;
    return Date.now() - this.#since + pause <= this.patienceMs ? pause : undefined;
  }

  /** It went well: the next pause is short again, and none is too many from now on. */
  reset(): void {
    this.#tries = 0;
    this.patienceMs = Number.POSITIVE_INFINITY;
  }
}

/** Rejects with the signal's reason if it is aborted first. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
