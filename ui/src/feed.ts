import type { MonitorMessage } from "./wire/types";

/**
 * How far what has been told here may be trusted.
 *
 *     open ──▶ catching_up ──▶ live ◀──▶ store_away
 *                  ▲             │
 *                  └── stale ◀───┘    connection lost, or nothing heard
 */
export type Connection =
  | { readonly is: "catching_up" }
  | { readonly is: "live" }
  /** Nothing was heard after `since`, a time of this computer. */
  | { readonly is: "stale"; readonly since: number }
  /** The broker lost its store at `since`, a time of the broker. */
  | { readonly is: "store_away"; readonly since: number };

export interface Listener {
  message(message: MonitorMessage): void;
  connection(connection: Connection): void;
}

/** As much of an `EventSource` as is used here. */
export interface Source {
  readonly readyState: number;
  onopen: ((event: Event) => void) | null;
  onmessage: ((event: MessageEvent<string>) => void) | null;
  onerror: ((event: Event) => void) | null;
  close(): void;
}

const CLOSED = 2;
/** The broker speaks at least every 30 s; silence beyond this is a lost connection. */
export const SILENCE_MS = 45_000;
export const BACKOFF_MS_MIN = 1_000;
export const BACKOFF_MS_MAX = 30_000;

/** One `EventSource`, kept open: short gaps are resumed by the browser, longer ones begin anew with a snapshot. */
export class Feed {
  private source: Source | undefined;
  private told: Connection["is"] | undefined;
  private heardAt = Date.now();
  private backoff = BACKOFF_MS_MIN;
  private isUp = false;
  /** This source has told a snapshot that no `resync` took back. */
  private hasState = false;
  private isCaughtUp = false;
  private connectedAt = 0;
  private storeAwaySince: number | undefined;
  private silence: ReturnType<typeof setTimeout> | undefined;
  private retry: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly url: string,
    private readonly listener: Listener,
    private readonly make: (url: string) => Source = (url) => new EventSource(url),
  ) {}

  open(): void {
    this.close();
    this.hasState = false;
    this.isCaughtUp = false;
    const source = this.make(this.url);
    this.source = source;
    source.onopen = () => this.opened();
    source.onmessage = (event) => this.heard(event.data);
    source.onerror = () => this.failed(source.readyState === CLOSED);
    this.listenForSilence();
    if (this.told === undefined) this.tell();
  }

  close(): void {
    this.source?.close();
    this.source = undefined;
    this.isUp = false;
    for (const timer of [this.silence, this.retry]) clearTimeout(timer);
  }

  /** Asks for the whole state again. */
  refresh(): void {
    this.open();
  }

  private opened(): void {
    this.isUp = true;
    this.isCaughtUp = false;
    this.storeAwaySince = undefined;
    this.hear();
    this.tell();
  }

  private heard(data: string): void {
    let message: MonitorMessage;
    try {
      message = JSON.parse(data);
    } catch {
      // A frame that cannot be read is an event that was missed.
      this.failed(true);
      return;
    }
    this.isUp = true;
    this.backoff = BACKOFF_MS_MIN;
    this.hear();
    this.follow(message);
    this.listener.message(message);
    this.tell();
  }

  /** What a message says about the stream itself. */
  private follow(message: MonitorMessage): void {
    switch (message.type) {
      case "connected":
        this.isCaughtUp = false;
        this.connectedAt = message.timestamp;
        break;
      case "full_state_snapshot":
        this.hasState = true;
        this.isCaughtUp = true;
        break;
      case "resync":
        this.hasState = false;
        this.isCaughtUp = false;
        break;
      case "heartbeat_ack":
        // Told at once when a resumed stream has everything.
        if (message.events_missed === 0) this.isCaughtUp = this.hasState;
        break;
      case "upstream":
        this.storeAwaySince = message.upstream === "stale" ? message.since : undefined;
        break;
      default:
        // An event younger than the connection: all that was missed came before it.
        if (message.event_id && message.timestamp > this.connectedAt) this.isCaughtUp = this.hasState;
    }
  }

  private failed(isFinal: boolean): void {
    this.isUp = false;
    this.tell();
    if (isFinal) this.openLater();
  }

  private openLater(): void {
    this.close();
    this.retry = setTimeout(() => this.open(), this.backoff);
    this.backoff = Math.min(this.backoff * 2, BACKOFF_MS_MAX);
  }

  private hear(): void {
    this.heardAt = Date.now();
    this.listenForSilence();
  }

  private listenForSilence(): void {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => this.failed(true), SILENCE_MS);
  }

  private tell(): void {
    const connection = this.connection();
    if (connection.is === this.told) return;
    this.told = connection.is;
    this.listener.connection(connection);
  }

  private connection(): Connection {
    // Before the first answer there is nothing that could be stale.
    if (!this.isUp && this.told !== undefined) return { is: "stale", since: this.heardAt };
    if (this.storeAwaySince !== undefined) return { is: "store_away", since: this.storeAwaySince };
    return { is: this.isCaughtUp ? "live" : "catching_up" };
  }
}
