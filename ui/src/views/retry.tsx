import { useState } from "preact/hooks";
import { retry } from "../api";
import { openJob } from "../opened";

/** What became of asking to submit an ended job again. The new job opens in place of this one. */
export function useRetry(id: string) {
  const [isAsked, setAsked] = useState(false);
  const [trouble, setTrouble] = useState<string>();
  const ask = async () => {
    setAsked(true);
    setTrouble(undefined);
    const answer = await retry(id);
    if (answer.ok) {
      openJob(answer.value.job_id);
    } else {
      setTrouble(answer.detail);
      setAsked(false);
    }
  };
  const button = (
    <button type="button" disabled={isAsked} onClick={ask}>
      Submit again
    </button>
  );
  return { button, trouble };
}
