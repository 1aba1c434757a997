import { signal } from "@preact/signals";

/** The job that is open is part of the address, so that a reload or a link shows it again. */
const PREFIX = "#job=";

function inAddress(): string | null {
  if (!location.hash.startsWith(PREFIX)) return null;
  try {
    return decodeURIComponent(location.hash.slice(PREFIX.length)) || null;
  } catch {
    return null;
  }
}

export const opened = signal(inAddress());

addEventListener("hashchange", () => {
  opened.value = inAddress();
});

export function addressOf(job: string): string {
  return PREFIX + encodeURIComponent(job);
}

export function openJob(job: string): void {
  location.hash = addressOf(job);
}

export function closeJob(): void {
  history.replaceState(null, "", location.pathname + location.search);
  opened.value = null;
}
