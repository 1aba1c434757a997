import { parseExact, pretty } from "./json";
import type { Cancelled, Explained, JobView, OneJob, Problem, Submitted } from "./wire/types";

/** What the broker said to one request: a value, or a sentence why not. */
export type Answer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly detail: string };

export interface Detail {
  readonly job: JobView;
  /** What strangers wrote, as JSON text with the digits it came with. */
  readonly texts: readonly { readonly name: string; readonly text: string }[];
}

export interface Submission {
  readonly service: string;
  /** JSON text, sent as it is written; empty: none. */
  readonly payload: string;
  readonly priority: string;
}

export function submit({ service, payload, priority }: Submission): Promise<Answer<Submitted>> {
  const fields = [`"service_required":${JSON.stringify(service)}`];
  if (payload.trim() !== "") fields.push(`"payload":${payload}`);
  if (priority.trim() !== "") fields.push(`"priority":${Number(priority)}`);
  return ask("/api/jobs", (text) => JSON.parse(text), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: `{${fields.join(",")}}`,
  });
}

export function cancel(job: string): Promise<Answer<Cancelled>> {
  return ask(`${pathOf(job)}/cancel`, (text) => JSON.parse(text), { method: "POST" });
}

/** Submits an ended job once more, under a new id. */
export function retry(job: string): Promise<Answer<Submitted>> {
  return ask(`${pathOf(job)}/retry`, (text) => JSON.parse(text), { method: "POST" });
}

export function explain(job: string): Promise<Answer<Explained>> {
  return ask(`${pathOf(job)}/explain`, (text) => JSON.parse(text));
}

export function look(job: string): Promise<Answer<Detail>> {
  return ask(pathOf(job), (text) => {
    const { job } = JSON.parse(text) as OneJob;
    const exact = (parseExact(text) as OneJob).job;
    const parts = [
      { name: "Requirements", value: exact.requirements },
      { name: "Payload", value: exact.payload },
      { name: "Context", value: exact.ctx },
      { name: "Result", value: exact.result },
    ];
    const told = parts.filter(({ value }) => value !== undefined && value !== null);
    return { job, texts: told.map(({ name, value }) => ({ name, text: pretty(value) })) };
  });
}

function pathOf(job: string): string {
  return `/api/jobs/${encodeURIComponent(job)}`;
}

async function ask<T>(path: string, read: (text: string) => T, init?: RequestInit): Promise<Answer<T>> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(path, init);
    text = await response.text();
  } catch {
    return { ok: false, detail: "The broker cannot be reached." };
  }
  try {
    if (response.ok) return { ok: true, value: read(text) };
    const { detail } = JSON.parse(text) as Partial<Problem>;
    if (detail) return { ok: false, detail };
  } catch {
    // Something between us and the broker answered in its place.
  }
  return { ok: false, detail: `The answer was ${response.status} ${response.statusText}`.trim() };
}
