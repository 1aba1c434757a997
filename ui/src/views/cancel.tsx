import { useState } from "preact/hooks";
import { cancel } from "../api";

/** What became of asking to cancel one job. The row leaves by itself once it is cancelled. */
export function useCancel(id: string) {
  const [isAsked, setAsked] = useState(false);
  const [trouble, setTrouble] = useState<string>();
  const ask = async () => {
    setAsked(true);
    setTrouble(undefined);
    const answer = await cancel(id);
    if (!answer.ok) {
      setTrouble(answer.detail);
      setAsked(false);
    }
  };
  const button = (
    <button type="button" class="small" disabled={isAsked} aria-label={`Cancel ${id}`} onClick={ask}>
      Cancel
    </button>
  );
  return { button, trouble };
}

/** A sentence under the row it is about. */
export function Trouble({ says, columns }: { says: string | undefined; columns: number }) {
  if (says === undefined) return null;
  return (
    <tr class="trouble">
      <td colSpan={columns} role="alert">
        {says}
      </td>
    </tr>
  );
}
