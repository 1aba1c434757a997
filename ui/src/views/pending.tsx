import { fleet, now } from "../board";
import type { Job } from "../fleet";
import { count, moment } from "../words";
import { Trouble, useCancel } from "./cancel";
import { Heads } from "./heads";
import { JobName } from "./job-name";
import { memo } from "./memo";
import { Since } from "./since";
import { useStill } from "./still";

const SHOWN_MAX = 200;

const COLUMNS = [
  ["Job", ""],
  ["Priority", "number"],
  ["Waits for", "number"],
  ["Actions", "actions"],
] as const;

/** What waits, in the order it will run. */
export function PendingJobs() {
  const { pending, pendingCount } = fleet.value;
  const { rows, onPointerMove } = useStill(pending.slice(0, SHOWN_MAX));
  const hidden = pendingCount - rows.length;
  return (
    <section data-testid="jobs-pending" aria-labelledby="pending-title">
      <div class="head">
        <h2 id="pending-title">Pending ({count(pendingCount)})</h2>
        {hidden > 0 && rows.length > 0 && (
          <span class="quiet">
            the first {count(rows.length)}; {count(hidden)} more wait
          </span>
        )}
      </div>
      {rows.length === 0 ? (
        <p class="quiet">{pendingCount === 0 ? "Nothing waits." : "Asking which ones wait."}</p>
      ) : (
        <div class="scroll" onPointerMove={onPointerMove}>
          <table>
            <Heads of={COLUMNS} />
            <tbody>
              {rows.map(({ job, isGone }) => (
                <PendingRow key={job.id} job={job} isGone={isGone} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

/** A job whose run failed backs off until then. */
function Again({ at }: { at: number }) {
  return at > now.value ? <span class="quiet">again at {moment(at)}</span> : null;
}

/** What it needs and no worker of the fleet has. */
function Missing({ missing }: { missing: readonly string[] }) {
  const says = missing.length > 0 ? `no worker meets: ${missing.join("; ")}` : "no worker could run it";
  return (
    <tr class="note">
      <td colSpan={4}>
        <div class="quiet clamp" title={says}>
          {says}
        </div>
      </td>
    </tr>
  );
}

const PendingRow = memo(({ job, isGone }: { job: Job; isGone: boolean }) => {
  const { button, trouble } = useCancel(job.id);
  return (
    <>
      <tr class={isGone ? "gone" : ""} data-job={job.id} data-status={job.status}>
        <th scope="row">
          <JobName job={job}>{job.retry_at && <Again at={job.retry_at} />}</JobName>
        </th>
        <td class="number">{job.priority}</td>
        <td class="number">{isGone ? "left" : <Since at={job.created_at} />}</td>
        <td class="actions">{!isGone && button}</td>
      </tr>
      {job.missing && !isGone && <Missing missing={job.missing} />}
      <Trouble says={trouble} columns={4} />
    </>
  );
});
