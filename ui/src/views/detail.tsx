import { useComputed } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { type Answer, type Detail as Looked, look } from "../api";
import { fleet } from "../board";
import { closeJob, opened } from "../opened";
import type { AttemptView, JobView } from "../wire/types";
import { exactSpan, moment, percent } from "../words";
import { Heads } from "./heads";
import { JobLink } from "./job-link";
import { useRetry } from "./retry";
import { Since } from "./since";
import { Why } from "./why";

/** The job named in the address, whole, over the page. */
export function Detail() {
  const id = opened.value;
  return id === null ? null : <Opened key={id} id={id} />;
}

function Opened({ id }: { id: string }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [answer, setAnswer] = useState<Answer<Looked>>();
  const stage = useComputed(() => stageOf(id)).value;
  useEffect(() => dialog.current?.showModal(), []);
  // Looked up again at every stage of its life.
  useEffect(() => {
    let isCurrent = true;
    look(id).then((found) => isCurrent && setAnswer(found));
    return () => {
      isCurrent = false;
    };
  }, [id, stage]);
  return (
    <dialog ref={dialog} onClose={closeJob} aria-labelledby="detail-title" data-testid="detail">
      <div class="head">
        <h2 id="detail-title" class="id">
          {id}
        </h2>
        <button type="button" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </div>
      {answer === undefined && <p class="quiet">Asking the broker.</p>}
      {answer?.ok === false && (
        <p class="error" role="alert">
          {answer.detail}
        </p>
      )}
      {answer?.ok && <Whole {...answer.value} stage={stage} />}
    </dialog>
  );
}

/** Changes whenever the fleet is told something of the job that its detail shows. */
function stageOf(id: string): string {
  const { active, pending, completed, failed } = fleet.value;
  const held = active.get(id);
  if (held) return `${held.status} ${held.worker_id} ${held.assigned_at}`;
  const isIt = (job: { id: string }) => job.id === id;
  const job = completed.find(isIt) ?? failed.find(isIt) ?? pending.find(isIt);
  return job ? `${job.status} ${job.retry_count} ${job.missing ?? ""}` : "";
}

function Whole({ job, texts, stage }: Looked & { stage: string }) {
  return (
    <>
      <dl>
        {facts(job).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {job.status === "pending" && <Why id={job.id} stage={stage} />}
      {job.error && job.status !== "cancelled" && <p class="error">{job.error}</p>}
      {ENDED.has(job.status) && <SubmitAgain id={job.id} />}
      <Attempts attempts={job.attempts} />
      {texts.map(({ name, text }) => (
        <section key={name} aria-label={name}>
          <h3>{name}</h3>
          <pre>{text}</pre>
        </section>
      ))}
    </>
  );
}

const ENDED: ReadonlySet<JobView["status"]> = new Set(["completed", "failed", "cancelled"] as const);

function SubmitAgain({ id }: { id: string }) {
  const { button, trouble } = useRetry(id);
  return (
    <div class="send">
      {button}
      {trouble !== undefined && (
        <p class="error" role="alert">
          {trouble}
        </p>
      )}
    </div>
  );
}

type Fact = readonly [name: string, value: ComponentChildren];

function facts(job: JobView): readonly Fact[] {
  const all: readonly Fact[] = [
    ["Service", job.service_required],
    ["Status", status(job)],
    ["Priority", String(job.priority)],
    ["Submitted", time(job.created_at)],
    waiting(job),
    running(job),
    ["Progress", job.status === "in_progress" && <Progress id={job.id} />],
    ["Failed runs", `${job.retry_count} of ${job.max_retries}`],
    ["Not before", job.not_before && time(job.not_before)],
    ["Not again before", job.retry_at && time(job.retry_at)],
    ["Start by", job.start_by && time(job.start_by)],
    ["Finish by", job.finish_by && time(job.finish_by)],
    ["Runs at most", job.run_for_ms && exactSpan(job.run_for_ms)],
    ["Retry of", job.retry_of && <JobLink key="retry" id={job.retry_of} />],
    ["Customer", job.customer_id],
    ["Workflow", job.workflow_id],
    ["Failure", job.failure && [job.failure.type, job.failure.reason].filter(Boolean).join(", ")],
    ...Object.entries(job.labels).map(([name, value]): Fact => [`Label ${name}`, value]),
  ];
  return all.filter(([, value]) => Boolean(value));
}

function status({ status, failure }: JobView): string | undefined {
  const isExpired = failure?.type === "broker" && /^(start|finish)_by$/.test(failure.reason ?? "");
  return status === "failed" && isExpired ? "expired" : status?.replace("_", " ");
}

function waiting({ status, created_at, queue_ms }: JobView): Fact {
  if (status === "pending") return ["Waits for", <Since key="waits" at={Date.parse(created_at)} />];
  return ["Waited", exactSpan(queue_ms)];
}

function running({ status, started_at, run_ms }: JobView): Fact {
  if (status === "in_progress" && started_at)
    return ["Runs for", <Since key="runs" at={Date.parse(started_at)} />];
  return ["Ran", run_ms !== null && exactSpan(run_ms)];
}

/** As it goes on: `70 %, decoding`. */
function Progress({ id }: { id: string }) {
  const { progress, progress_message } = fleet.value.active.get(id) ?? {};
  if (progress === null || progress === undefined) return <>nothing heard yet</>;
  return <>{[percent(progress), progress_message].filter(Boolean).join(", ")}</>;
}

function time(rfc3339: string): string {
  return moment(Date.parse(rfc3339));
}

const COLUMNS = [
  ["Attempt", "nth"],
  ["Worker", "worker"],
  ["From", "number"],
  ["To", "number"],
  ["Outcome", ""],
] as const;

function Attempts({ attempts }: { attempts: readonly AttemptView[] }) {
  if (attempts.length === 0) return null;
  return (
    <div class="scroll">
      <table aria-label="Attempts">
        <Heads of={COLUMNS} />
        <tbody>
          {attempts.map(({ attempt, worker_id, assigned_at, ended_at, outcome, error }) => (
            <tr key={attempt}>
              <td>{attempt}</td>
              <th scope="row" class="id line" title={worker_id}>
                {worker_id}
              </th>
              <td class="number">{time(assigned_at)}</td>
              <td class="number">{ended_at ? time(ended_at) : ""}</td>
              <td class="any">
                {[outcome?.replace("_", " ") ?? "under way", error].filter(Boolean).join(": ")}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
