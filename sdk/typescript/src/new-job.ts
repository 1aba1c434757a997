import type { Submission } from "./wire.js";

/** Of the shapes that a submission may have, the one with all fields; those that have a default may be left out. */
type Fields = Extract<Submission, { readonly payload: unknown }>;

/** A job to be submitted; its id is made by `submit` if it has none. */
export type NewJob = Partial<Fields> & { readonly service_required: string };

/** A UUID of version 7 (RFC 9562): ids sort roughly as jobs came. `randomUUID` is not there on plain HTTP pages. */
export function newJobId(now = Date.now()): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const view = new DataView(bytes.buffer);
  view.setUint16(0, Math.floor(now / 2 ** 32));
  view.setUint32(2, now % 2 ** 32);
  view.setUint8(6, 0x70 | (view.getUint8(6) & 0x0f));
  view.setUint8(8, 0x80 | (view.getUint8(8) & 0x3f));
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
