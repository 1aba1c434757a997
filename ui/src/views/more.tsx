import { useState } from "preact/hooks";
import { count } from "../words";

/** The first rows of a long list, and what `More` needs to show others. */
export function useShown<T>(rows: readonly T[], step: number) {
  const [limit, setLimit] = useState(step);
  const hidden = Math.max(0, rows.length - limit);
  return [rows.slice(0, limit), { hidden, onMore: () => setLimit(limit + 4 * step) }] as const;
}

export function More({ hidden, onMore }: { hidden: number; onMore: () => void }) {
  if (hidden === 0) return null;
  return (
    <button type="button" class="more" onClick={onMore}>
      Show more ({count(hidden)} hidden)
    </button>
  );
}
