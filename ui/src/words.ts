/** How times, spans and counts read. */

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const date = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

/** `14:03:59`, as the clock of this computer shows it. */
export function timeOfDay(at: number): string {
  return clock.format(at);
}

/** The time of day, with its date where that is not today: `14:03:59`, `3 Feb 14:03:59`. */
export function moment(at: number): string {
  const isToday = new Date(at).toDateString() === new Date().toDateString();
  return isToday ? timeOfDay(at) : `${date.format(at)} ${timeOfDay(at)}`;
}

/** `12 s`, `3 min 20 s`, `4 h 12 min`, `3 d 4 h`. */
export function span(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1_000));
  const [min, h, d] = [Math.floor(s / 60), Math.floor(s / 3_600), Math.floor(s / 86_400)];
  if (d > 0) return `${d} d ${h % 24} h`;
  if (h > 0) return `${h} h ${min % 60} min`;
  return min > 0 ? `${min} min ${s % 60} s` : `${s} s`;
}

/** A finished span, where fractions of a second count. */
export function exactSpan(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  return ms < 10_000 ? `${(ms / 1_000).toFixed(1)} s` : span(ms);
}

export function percent(fraction: number): string {
  return `${Math.floor(fraction * 100)} %`;
}

const number = new Intl.NumberFormat("en");

export function count(n: number): string {
  return number.format(n);
}
