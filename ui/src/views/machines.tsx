import { useRef } from "preact/hooks";
import { fleet } from "../board";
import { type Crew, crews, groupBy, type Hand } from "../crews";
import type { Job, Machine } from "../fleet";
import { percent } from "../words";
import { Heads } from "./heads";
import { JobLink } from "./job-link";
import { memo } from "./memo";
import { More, useShown } from "./more";
import { Since } from "./since";

/** All machines with their workers, silent ones first. */
export function Machines() {
  const before = useRef<readonly Crew[]>([]);
  const { isKnown } = fleet.value;
  const all = crews(fleet.value, before.current);
  before.current = all;
  const silent = all.filter(({ machine }) => machine.silentSince !== null).length;
  const [shown, more] = useShown(all, 50);
  return (
    <section data-testid="machines" aria-labelledby="machines-title">
      <div class="head">
        <h1 id="machines-title">Machines ({all.length})</h1>
        {silent > 0 && <span class="tag bad">{silent} silent</span>}
      </div>
      {!isKnown && <p class="quiet">Waiting for the broker.</p>}
      {isKnown && all.length === 0 && <Welcome />}
      {shown.map((crew) => (
        <MachineCard key={crew.machine.machine_id} crew={crew} />
      ))}
      <More {...more} />
    </section>
  );
}

function Welcome() {
  return (
    <div class="welcome">
      <p>No machine has joined yet. On a machine that should take jobs, start an agent:</p>
      <pre>{`callboard agent --broker ${location.origin} --config agent.toml`}</pre>
      <p class="quiet">It needs no open port: it asks this broker for work, and appears here at once.</p>
    </div>
  );
}

const COLUMNS = [
  ["Worker", ""],
  ["Status", "status"],
  ["Job", "holds"],
] as const;

const MachineCard = memo(({ crew: { machine, hands } }: { crew: Crew }) => {
  const isSilent = machine.silentSince !== null;
  return (
    <article class={isSilent ? "machine silent" : "machine"} data-machine={machine.machine_id}>
      <div class="head">
        <h2>{machine.machine_id}</h2>
        {machine.silentSince !== null ? (
          <span class="tag bad">
            silent for <Since at={machine.silentSince} />
          </span>
        ) : (
          <Stage machine={machine} />
        )}
      </div>
      <p class="quiet">{hardware(machine)}</p>
      {hands.length === 0 ? (
        <p class="quiet">No worker has joined on it.</p>
      ) : (
        <table class="crew">
          <Heads of={COLUMNS} />
          <tbody>
            {hands.map((hand) => (
              <WorkerRow key={hand.worker.id} hand={hand} />
            ))}
          </tbody>
        </table>
      )}
    </article>
  );
});

/** How far its start is, or that nothing new is given to it. */
function Stage({ machine: { phase, isDraining } }: { machine: Machine }) {
  if (isDraining) return <span class="tag draining">draining</span>;
  return <span class={phase === "ready" ? "tag" : "tag busy"}>{phase}</span>;
}

function hardware({ host }: Machine): string {
  const parts = [
    host.hostname,
    gpus(host),
    host.cpu_cores > 0 && `${host.cpu_cores} cores`,
    host.total_ram_gb > 0 && `${Math.round(host.total_ram_gb)} GB`,
    host.os,
  ];
  return parts.filter(Boolean).join(" · ");
}

/** `2 × RTX 4090`, or `1 × RTX 4090, 1 × A100` where each is named. */
function gpus({ gpu_count, gpu_models }: Machine["host"]): string {
  if (gpu_count === 0) return "no GPU";
  // Absent when there is none to name.
  const models = gpu_models ?? [];
  if (models.length === 1) return `${gpu_count} × ${models[0]}`;
  const total = gpu_count === 1 ? "1 GPU" : `${gpu_count} GPUs`;
  if (models.length !== gpu_count) return [total, ...models].join(", ");
  return [...groupBy(models, (model) => model)].map(([model, all]) => `${all.length} × ${model}`).join(", ");
}

const WorkerRow = memo(({ hand: { worker, jobs } }: { hand: Hand }) => {
  const services = worker.capabilities.services.join(", ");
  return (
    <tr data-worker={worker.id}>
      <th scope="row">
        <span class="id line" title={worker.id}>
          {worker.id}
        </span>
        <span class="quiet line" title={services}>
          {services}
        </span>
      </th>
      <td>
        <span class={`tag ${worker.status}`}>{worker.status}</span>
      </td>
      <td>
        {jobs.map((job) => (
          <Held key={job.id} job={job} />
        ))}
      </td>
    </tr>
  );
});

const Held = memo(({ job }: { job: Job }) => (
  <div class="held">
    <JobLink id={job.id} />
    <Progress job={job} />
  </div>
));

/** How far a job is; nothing while nothing was heard of it. */
export function Progress({ job: { id, progress } }: { job: Job }) {
  if (progress === null || progress === undefined) return null;
  return (
    <span class="progress">
      <progress value={progress} max={1} aria-label={`Progress of ${id}`} />
      <span class="number">{percent(progress)}</span>
    </span>
  );
}
