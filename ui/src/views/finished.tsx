import type { ComponentType } from "preact";
import { fleet } from "../board";
import type { Job } from "../fleet";
import { count, exactSpan, moment } from "../words";
import { Heads } from "./heads";
import { JobLink } from "./job-link";
import { JobName } from "./job-name";
import { memo } from "./memo";

const SHOWN_MAX = 100;

type Columns = readonly (readonly [string, string])[];

const FAILED: Columns = [
  ["Job", "job"],
  ["Error", ""],
  ["Ended", "number"],
];
const COMPLETED: Columns = [
  ["Job", "job"],
  ["Service", ""],
  ["Took", "took number"],
  ["Ended", "number"],
];

/** What ended lately, newest first: unhappily, then well. */
export function FinishedJobs() {
  const { failed, failedCount, completed, completedCount } = fleet.value;
  return (
    <section data-testid="jobs-finished" aria-labelledby="finished-title">
      <div class="head">
        <h2 id="finished-title">Finished ({count(failedCount + completedCount)})</h2>
      </div>
      <div class="pair">
        <Ended title="Failed and cancelled" total={failedCount} jobs={failed} of={FAILED} row={FailedRow} />
        <Ended title="Completed" total={completedCount} jobs={completed} of={COMPLETED} row={CompletedRow} />
      </div>
    </section>
  );
}

interface EndedProps {
  title: string;
  total: number;
  jobs: readonly Job[];
  of: Columns;
  row: ComponentType<{ job: Job }>;
}

const Ended = memo(({ title, total, jobs, of, row: Row }: EndedProps) => (
  <div class="half">
    <h3>
      {title} ({count(total)})
    </h3>
    {jobs.length === 0 ? (
      <p class="quiet">None.</p>
    ) : (
      <div class="scroll">
        <table aria-label={title}>
          <Heads of={of} />
          <tbody>
            {jobs.slice(0, SHOWN_MAX).map((job) => (
              <Row key={job.id} job={job} />
            ))}
          </tbody>
        </table>
      </div>
    )}
  </div>
));

const FailedRow = memo(({ job }: { job: Job }) => {
  const { id, status, isExpired, error, failed_at } = job;
  return (
    <tr data-job={id} data-status={status}>
      <th scope="row">
        <JobName job={job} />
      </th>
      <td>
        {status === "cancelled" ? (
          <span class="quiet">cancelled</span>
        ) : isExpired ? (
          <span class="quiet" title={error ?? ""}>
            expired
          </span>
        ) : (
          <div class="error clamp" title={error ?? ""}>
            {error}
          </div>
        )}
      </td>
      <td class="number">{failed_at && moment(failed_at)}</td>
    </tr>
  );
});

const CompletedRow = memo(({ job }: { job: Job }) => {
  const { id, status, job_type, worker_id, started_at, completed_at } = job;
  return (
    <tr data-job={id} data-status={status}>
      <th scope="row">
        <JobLink id={id} />
      </th>
      <td class="line" title={`${job_type} on ${worker_id}`}>
        {job_type || "…"}
      </td>
      <td class="took number">{completed_at && started_at && exactSpan(completed_at - started_at)}</td>
      <td class="number">{completed_at && moment(completed_at)}</td>
    </tr>
  );
});
