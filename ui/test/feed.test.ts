import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { BACKOFF_MS_MIN, type Connection, Feed, SILENCE_MS, type Source } from "../src/feed";
import type { MonitorMessage } from "../src/wire/types";
import * as told from "./told";

const CONNECTING = 0;
const OPEN = 1;
const CLOSED = 2;

/** An `EventSource` that does as it is told. */
class Fake implements Source {
  readyState = CONNECTING;
  onopen: Source["onopen"] = null;
  onmessage: Source["onmessage"] = null;
  onerror: Source["onerror"] = null;

  opens() {
    this.readyState = OPEN;
    this.onopen?.(new Event("open"));
  }

  says(message: MonitorMessage | string) {
    const data = typeof message === "string" ? message : JSON.stringify(message);
    this.onmessage?.({ data } as MessageEvent<string>);
  }

  /** The browser tries again by itself. */
  breaks() {
    this.readyState = CONNECTING;
    this.onerror?.(new Event("error"));
  }

  /** The browser does not. */
  givesUp() {
    this.readyState = CLOSED;
    this.onerror?.(new Event("error"));
  }

  close() {
    this.readyState = CLOSED;
  }
}

let sources: Fake[] = [];
let states: Connection[] = [];
let messages: MonitorMessage[] = [];
let feed: Feed;

const listener = {
  message: (message: MonitorMessage) => messages.push(message),
  connection: (connection: Connection) => states.push(connection),
};
const source = () => sources.at(-1) as Fake;
const is = () => states.at(-1)?.is;
const connected = (): MonitorMessage => ({ type: "connected", timestamp: Date.now() });
const heartbeat = (events_missed: number): MonitorMessage => {
  const head = { head_event_id: "1-1-0", server_timestamp: Date.now(), timestamp: Date.now() };
  return { type: "heartbeat_ack", monitor_id: "m", events_missed, ...head };
};

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000 });
  [sources, states, messages] = [[], [], []];
  feed = new Feed("/events", listener, () => {
    sources.push(new Fake());
    return source();
  });
  feed.open();
});

afterEach(() => {
  feed.close();
  vi.useRealTimers();
});

function live() {
  source().opens();
  source().says(connected());
  source().says(told.snapshot());
}

test("it catches up until the snapshot, then it is live", () => {
  expect(is()).toBe("catching_up");
  source().opens();
  source().says(connected());
  expect(is()).toBe("catching_up");
  source().says(told.snapshot());
  expect(states.map((state) => state.is)).toEqual(["catching_up", "live"]);
  expect(messages.map((message) => message.type)).toEqual(["connected", "full_state_snapshot"]);
});

test("a lost connection is stale since the last message, and the browser resumes it", () => {
  live();
  vi.advanceTimersByTime(7_000);
  source().says(heartbeat(0));
  vi.advanceTimersByTime(3_000);
  source().breaks();
  expect(states.at(-1)).toEqual({ is: "stale", since: 8_000 });
  source().opens();
  source().says(connected());
  expect(is()).toBe("catching_up");
  expect(sources).toHaveLength(1);
});

test("a resumed stream is live at its head: nothing missed, or an event of now", () => {
  const ways = [
    () => source().says(heartbeat(0)),
    () => source().says({ ...told.startup("box"), timestamp: Date.now() + 1 }),
  ];
  live();
  for (const reachesHead of ways) {
    source().breaks();
    source().opens();
    source().says(connected());
    source().says({ ...told.startup("box"), timestamp: Date.now() - 1 });
    source().says(heartbeat(3));
    expect(is()).toBe("catching_up");
    reachesHead();
    expect(is()).toBe("live");
  }
});

test("a heartbeat before the first snapshot means nothing", () => {
  source().opens();
  source().says(connected());
  source().says(heartbeat(0));
  expect(is()).toBe("catching_up");
});

test("when the browser gives up it begins anew, each time later", () => {
  live();
  source().givesUp();
  expect(is()).toBe("stale");
  for (const wait of [BACKOFF_MS_MIN, 2 * BACKOFF_MS_MIN, 4 * BACKOFF_MS_MIN]) {
    const before = sources.length;
    vi.advanceTimersByTime(wait - 1);
    expect(sources).toHaveLength(before);
    vi.advanceTimersByTime(1);
    expect(sources).toHaveLength(before + 1);
    source().givesUp();
  }
  vi.advanceTimersByTime(8 * BACKOFF_MS_MIN);
  live();
  expect(is()).toBe("live");
  source().givesUp();
  const before = sources.length;
  vi.advanceTimersByTime(BACKOFF_MS_MIN);
  expect(sources).toHaveLength(before + 1);
});

test("it is stale from the start if the first try fails", () => {
  source().givesUp();
  expect(states.at(-1)).toEqual({ is: "stale", since: 1_000 });
});

test("silence is a lost connection, and it begins anew", () => {
  live();
  const silent = source();
  vi.advanceTimersByTime(SILENCE_MS - 1);
  expect(is()).toBe("live");
  vi.advanceTimersByTime(1);
  expect(states.at(-1)).toEqual({ is: "stale", since: 1_000 });
  expect(silent.readyState).toBe(CLOSED);
  vi.advanceTimersByTime(BACKOFF_MS_MIN);
  expect(sources).toHaveLength(2);
});

test("a broker that speaks every 30 s is never stale", () => {
  live();
  for (let beat = 0; beat < 10; beat += 1) {
    vi.advanceTimersByTime(30_000);
    source().says(heartbeat(0));
  }
  expect(states.map((state) => state.is)).toEqual(["catching_up", "live"]);
});

test("a broker without its store says since when, until it has it back", () => {
  live();
  source().says({ type: "upstream", upstream: "stale", since: 4_000, timestamp: 5_000 });
  expect(states.at(-1)).toEqual({ is: "store_away", since: 4_000 });
  source().says(heartbeat(0));
  expect(is()).toBe("store_away");
  source().says({ type: "upstream", upstream: "live", since: 6_000, timestamp: 6_000 });
  expect(is()).toBe("live");
});

test("after a resync it catches up until the snapshot", () => {
  live();
  source().says({ type: "resync", reason: "expired", timestamp: 1 });
  expect(is()).toBe("catching_up");
  source().says(heartbeat(0));
  expect(is()).toBe("catching_up");
  source().says(told.snapshot());
  expect(is()).toBe("live");
});

test("a frame that cannot be read is no message: it begins anew", () => {
  live();
  source().says("{");
  expect(is()).toBe("stale");
  vi.advanceTimersByTime(BACKOFF_MS_MIN);
  live();
  expect(is()).toBe("live");
});

test("asking again for everything closes the old stream", () => {
  live();
  feed.refresh();
  expect(sources.map((one) => one.readyState)).toEqual([CLOSED, CONNECTING]);
  live();
  expect(is()).toBe("live");
});
