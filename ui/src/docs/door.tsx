import { useState } from "preact/hooks";
import { answerOf, contentOf, curl, type Document, type Door, type Parameter } from "./document";
import { Line, Prose } from "./prose";
import { Shape } from "./shape";

interface Shown {
  readonly reference: Document;
  readonly door: Door;
}

/** One operation: a line, and everything about it when it is opened. */
export function DoorRow({ reference, door, isOpen }: Shown & { isOpen: boolean }) {
  const { method, path, operation } = door;
  const [wasOpened, setOpened] = useState(isOpen);
  return (
    <details
      class="door"
      id={operation.operationId}
      open={isOpen}
      onToggle={(event) => event.currentTarget.open && setOpened(true)}
    >
      <summary>
        <span class={`method ${method.toLowerCase()}`}>{method}</span>
        <code class="path">{path}</code>
        <span class="said">
          <Line text={operation.summary} />
        </span>
      </summary>
      {(wasOpened || isOpen) && <Inside reference={reference} door={door} />}
    </details>
  );
}

function Inside({ reference, door }: Shown) {
  const { operation } = door;
  const body = contentOf(operation.requestBody?.content);
  return (
    <div class="inside">
      {operation.description && <Prose text={operation.description} />}
      <p class="quiet">
        For <Roles roles={operation["x-roles"]} /> ·{" "}
        <a href={`#${operation.operationId}`}>{operation.operationId}</a>
      </p>
      <Parameters reference={reference} parameters={operation.parameters ?? []} />
      {body && (
        <section>
          <h4>Body{operation.requestBody?.required ? "" : " (may be left out)"}</h4>
          <Shape reference={reference} schema={body.schema} open />
        </section>
      )}
      <Answers reference={reference} door={door} />
      <Curl text={curl(reference, door, location.origin)} />
    </div>
  );
}

export function Roles({ roles }: { roles: readonly string[] }) {
  return <>{roles.length > 0 ? roles.join(", ") : "everyone, without a token"}</>;
}

export function Parameters({
  reference,
  parameters,
}: {
  reference: Document;
  parameters: readonly Parameter[];
}) {
  if (parameters.length === 0) return null;
  return (
    <section>
      <h4>Parameters</h4>
      <ul class="fields">
        {parameters.map(({ name, in: place, required, description, schema }) => (
          <li key={`${place} ${name}`}>
            <code class="field">{name}</code>
            <span class="quiet">in {place}</span>
            {required && place !== "path" && <span class="needed">required</span>}
            <Shape reference={reference} schema={description ? { ...schema, description } : schema} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Answers({ reference, door }: Shown) {
  return (
    <section>
      <h4>Answers</h4>
      <ul class="answers">
        {Object.entries(door.operation.responses).map(([status, given]) => {
          const answer = answerOf(reference, given);
          const content = contentOf(answer.content);
          const isProblem = content?.kind === "application/problem+json";
          return (
            <li key={status}>
              <span class={`status ${status[0] === "2" ? "good" : "bad"}`}>{status}</span>
              <div>
                {(answer.description ?? "").split("\n").map((line) => (
                  <p key={line}>
                    <Line text={line} />
                  </p>
                ))}
                {content && !isProblem && <span class="quiet">{content.kind}</span>}
                {content && !isProblem && <Shape reference={reference} schema={content.schema} />}
              </div>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

function Curl({ text }: { text: string }) {
  const [said, say] = useState("Copy");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      say("Copied");
    } catch {
      // Without TLS a browser gives pages no clipboard.
      say("Select it and copy");
    }
  };
  return (
    <section class="curl">
      <div class="head">
        <h4>curl</h4>
        <button type="button" class="small" onClick={copy} aria-live="polite">
          {said}
        </button>
      </div>
      <pre>{text}</pre>
    </section>
  );
}
