import { computed, signal } from "@preact/signals";
import { type Connection, Feed } from "./feed";
import { type Fleet, fold, NOTHING, needsSnapshot } from "./fleet";
import { Frames } from "./frames";
import type { MonitorMessage } from "./wire/types";

/** What the page shows. Only `watch` changes it. */
const fleetNow = signal<Fleet>(NOTHING);
const connectionNow = signal<Connection>({ is: "catching_up" });
const clockNow = signal(Date.now());

export const fleet = computed(() => fleetNow.value);
export const connection = computed(() => connectionNow.value);
/** The broker's clock as far as it is known, once a second. */
export const now = computed(() => clockNow.value);

const REFRESH_MS_MIN = 10_000;

/** Follows the broker from here on. */
export function watch(url: string): void {
  let told: MonitorMessage[] = [];
  let upcoming = connectionNow.value;
  let ahead = 0;
  let refreshedAt = 0;
  const frames = new Frames(() => {
    const messages = told;
    told = [];
    fleetNow.value = fold(fleetNow.value, messages);
    connectionNow.value = upcoming;
    if (upcoming.is !== "live" || !needsSnapshot(fleetNow.value)) return;
    if (Date.now() - refreshedAt < REFRESH_MS_MIN) return;
    refreshedAt = Date.now();
    feed.refresh();
  });
  const feed = new Feed(url, {
    message(message) {
      if (message.type === "connected" || message.type === "heartbeat_ack")
        ahead = message.timestamp - Date.now();
      told.push(message);
      frames.ask(told.length);
    },
    connection(connection) {
      upcoming = connection;
      frames.ask(told.length);
    },
  });
  setInterval(() => {
    clockNow.value = Date.now() + ahead;
  }, 1_000);
  addEventListener("online", () => feed.refresh());
  feed.open();
}
