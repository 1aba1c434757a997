import { useComputed } from "@preact/signals";
import type { TargetedSubmitEvent } from "preact";
import { useState } from "preact/hooks";
import { type Answer, submit } from "../api";
import { fleet } from "../board";
import { type Mistake, mistake } from "../json";
import type { Submitted } from "../wire/types";
import { JobLink } from "./job-link";

export function SubmitForm() {
  const [isSending, setSending] = useState(false);
  const [wrong, setWrong] = useState<Mistake | null>(null);
  const [answer, setAnswer] = useState<Answer<Submitted>>();
  const send = async (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const field = (name: string) => String(form.get(name) ?? "");
    const submission = { service: field("service"), payload: field("payload"), priority: field("priority") };
    const found = submission.payload.trim() === "" ? null : mistake(submission.payload);
    setWrong(found);
    setAnswer(undefined);
    if (found) return;
    setSending(true);
    setAnswer(await submit(submission));
    setSending(false);
  };
  return (
    <section aria-labelledby="submit-title">
      <h2 id="submit-title">Submit a job</h2>
      <form data-testid="submit-form" onSubmit={send}>
        <div class="fields">
          <label>
            Service
            <input name="service" list="services" required autocomplete="off" spellcheck={false} />
          </label>
          <label class="brief">
            Priority
            <input name="priority" type="number" min={0} max={1_000_000} step={1} placeholder="50" />
          </label>
        </div>
        <Services />
        <label>
          Payload (JSON)
          <textarea
            name="payload"
            rows={4}
            spellcheck={false}
            placeholder="{}"
            aria-invalid={wrong !== null}
            aria-describedby="submit-says"
            onInput={() => setWrong(null)}
          />
        </label>
        <div class="send">
          <button type="submit" class="main" disabled={isSending}>
            Submit
          </button>
          <p id="submit-says" role="status">
            {wrong && (
              <span class="error">{`Payload, line ${wrong.line}, column ${wrong.column}: ${wrong.why}.`}</span>
            )}
            {answer && !answer.ok && <span class="error">{answer.detail}</span>}
            {answer?.ok && (
              <>
                Submitted as <JobLink id={answer.value.job_id} />
              </>
            )}
          </p>
        </div>
      </form>
    </section>
  );
}

/** What the workers of the fleet can do, to choose from. */
function Services() {
  const names = useComputed(() => {
    const all = [...fleet.value.workers.values()].flatMap((worker) => worker.capabilities.services);
    return [...new Set(all)].sort().join("\n");
  });
  return (
    <datalist id="services">
      {names.value.split("\n").map((name) => (
        <option key={name} value={name} />
      ))}
    </datalist>
  );
}
