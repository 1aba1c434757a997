import { now } from "../board";
import { span } from "../words";

/** How long ago it is, counting on. */
export function Since({ at }: { at: number }) {
  return <>{span(now.value - at)}</>;
}
