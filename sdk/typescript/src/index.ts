export {
  Callboard,
  type CallOptions,
  type Connection,
  type JobFilter,
  type WaitOptions,
} from "./callboard.js";
export { CallboardError, JobFailed } from "./error.js";
export type { NewJob } from "./new-job.js";
export { Watch, type Watched, type WatchOptions } from "./watch.js";
export type {
  Cancelled,
  ClientMessage,
  FailureView,
  JobList,
  JobStatus,
  JobView,
  Problem,
  Requirements,
  Submitted,
} from "./wire.js";
