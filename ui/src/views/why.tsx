import { useEffect, useRef, useState } from "preact/hooks";
import { explain } from "../api";

/** The broker looks through the fleet for each answer, so it is not asked more often. */
const APART_MS = 5_000;

/** Why the job waits, in the broker's words; asked again at every stage of its life. */
export function Why({ id, stage }: { id: string; stage: string }) {
  const [sentence, setSentence] = useState<string>();
  const askedAt = useRef(-APART_MS);
  const isShown = useRef(true);
  useEffect(
    () => () => {
      isShown.current = false;
    },
    [],
  );
  useEffect(() => {
    const timer = setTimeout(
      async () => {
        askedAt.current = performance.now();
        const answer = await explain(id);
        // Without an answer the rest of the page says enough.
        if (answer.ok && answer.value.status === "pending" && isShown.current)
          setSentence(answer.value.sentence);
      },
      askedAt.current + APART_MS - performance.now(),
    );
    return () => clearTimeout(timer);
  }, [id, stage]);
  if (sentence === undefined) return null;
  return (
    <section aria-label="Why it waits">
      <h3>Why it waits</h3>
      <p>{sentence}</p>
    </section>
  );
}
