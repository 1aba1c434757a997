import { addressOf } from "../opened";

const SHOWN_MAX = 20;

/** A job's name, short; it opens the whole job. */
export function JobLink({ id }: { id: string }) {
  // Minted ids begin alike, so their ends are shown.
  const short = id.length > SHOWN_MAX ? `${id.slice(0, 8)}…${id.slice(-8)}` : id;
  return (
    <a class="id" href={addressOf(id)} title={id}>
      {short}
    </a>
  );
}
