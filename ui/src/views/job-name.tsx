import type { ComponentChildren } from "preact";
import type { Job } from "../fleet";
import { JobLink } from "./job-link";

/** Which job, for which service, and what else is to be said of it. */
export function JobName({ job: { id, job_type }, children }: { job: Job; children?: ComponentChildren }) {
  return (
    <span class="name">
      <JobLink id={id} />
      <span class="service">{job_type || "…"}</span>
      {children}
    </span>
  );
}
