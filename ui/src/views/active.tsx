import { fleet } from "../board";
import type { Job } from "../fleet";
import { count } from "../words";
import { Trouble, useCancel } from "./cancel";
import { Heads } from "./heads";
import { JobName } from "./job-name";
import { Progress } from "./machines";
import { memo } from "./memo";
import { More, useShown } from "./more";
import { Since } from "./since";
import { useStill } from "./still";

const COLUMNS = [
  ["Job", "job"],
  ["Worker", "worker"],
  ["Progress", ""],
  ["Runs for", "number"],
  ["Actions", "actions"],
] as const;

/** What workers hold now, the longest held first. */
export function ActiveJobs() {
  const { active } = fleet.value;
  const [shown, more] = useShown([...active.values()], 100);
  const { rows, onPointerMove } = useStill(shown);
  return (
    <section data-testid="jobs-active" aria-labelledby="active-title">
      <div class="head">
        <h2 id="active-title">Active ({count(active.size)})</h2>
      </div>
      {rows.length === 0 ? (
        <p class="quiet">Nothing runs.</p>
      ) : (
        <div class="scroll" onPointerMove={onPointerMove}>
          <table>
            <Heads of={COLUMNS} />
            <tbody>
              {rows.map(({ job, isGone }) => (
                <ActiveRow key={job.id} job={job} isGone={isGone} />
              ))}
            </tbody>
          </table>
          <More {...more} />
        </div>
      )}
    </section>
  );
}

const ActiveRow = memo(({ job, isGone }: { job: Job; isGone: boolean }) => {
  const { button, trouble } = useCancel(job.id);
  return (
    <>
      <tr class={isGone ? "gone" : ""} data-job={job.id} data-status={job.status}>
        <th scope="row">
          <JobName job={job} />
        </th>
        <td class="id worker line" title={job.worker_id ?? ""}>
          {job.worker_id}
        </td>
        <td>
          <div class="doing">
            <Progress job={job} />
            {job.progress_message && (
              <span class="quiet line" title={job.progress_message}>
                {job.progress_message}
              </span>
            )}
          </div>
        </td>
        <td class="number">
          {isGone ? "ended" : job.started_at ? <Since at={job.started_at} /> : "assigned"}
        </td>
        <td class="actions">{!isGone && button}</td>
      </tr>
      <Trouble says={trouble} columns={5} />
    </>
  );
});
