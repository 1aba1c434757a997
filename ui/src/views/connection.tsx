import { connection } from "../board";
import type { Connection } from "../feed";
import { moment } from "../words";

/** How far the page may be trusted. Read out when it changes. */
export function ConnectionLine() {
  const state = connection.value;
  return (
    <p
      class={`connection ${state.is}`}
      data-testid="connection"
      data-state={state.is}
      role="status"
      aria-live="polite"
    >
      <span class="dot" aria-hidden="true" />
      {says(state)}
    </p>
  );
}

function says(state: Connection): string {
  switch (state.is) {
    case "live":
      return "live";
    case "catching_up":
      return "catching up";
    case "stale":
      return `stale since ${moment(state.since)}`;
    case "store_away":
      return `store away since ${moment(state.since)}`;
  }
}
