import { type Document, matches, type Socket } from "./document";
import { Parameters, Roles } from "./door";
import { DIALECTS, type Dialect, type Kind } from "./messages";
import { Line } from "./prose";

/** The WebSocket doors. */
export function Sockets({ reference, words }: { reference: Document; words: string }) {
  const found = reference["x-websockets"].filter((socket) => matches(textOf(socket), words));
  if (found.length === 0) return null;
  return (
    <section class="group" id="sockets">
      <h2>WebSockets</h2>
      <p>
        Messages are JSON objects with a <code>type</code>. A request's <code>id</code> comes back as{" "}
        <code>message_id</code>. A message that is not understood is answered with <code>error</code> and
        closes nothing.
      </p>
      {found.map((socket) => (
        <details class="door" key={socket.path}>
          <summary>
            <span class="method get">WS</span>
            <code class="path">{socket.path}</code>
            <span class="said">{socket.summary}</span>
          </summary>
          <div class="inside">
            <p class="quiet">
              For <Roles roles={socket["x-roles"]} />
            </p>
            <Parameters reference={reference} parameters={socket.parameters} />
            <section>
              <h4>Takes</h4>
              <ul class="fields">
                {socket.takes.map(({ type, fields, reply }) => (
                  <li key={type}>
                    <code class="field">{type}</code>
                    <span class="about">
                      {fields} → {reply}
                    </span>
                  </li>
                ))}
              </ul>
            </section>
            <section>
              <h4>Closes with</h4>
              <ul class="fields">
                {Object.entries(socket.closes).map(([code, why]) => (
                  <li key={code}>
                    <code class="field">{code}</code>
                    <span class="about">{why}</span>
                  </li>
                ))}
              </ul>
            </section>
          </div>
        </details>
      ))}
    </section>
  );
}

function textOf({ path, summary, takes }: Socket): string {
  return ["websocket", path, summary, ...takes.map(({ type }) => type)].join(" ");
}

/** The messages of both dialects, with an example each. */
export function Messages({ words }: { words: string }) {
  return (
    <>
      {DIALECTS.map((dialect) => (
        <Messenger key={dialect.name} dialect={dialect} words={words} />
      ))}
    </>
  );
}

function Messenger({ dialect: { name, description, kinds }, words }: { dialect: Dialect; words: string }) {
  const found = kinds.filter(({ type }) => matches(`${name} ${type} message`, words));
  if (found.length === 0) return null;
  return (
    <section class="group" id={name.toLowerCase().replaceAll(" ", "-")}>
      <h2>{name}</h2>
      <p>{description}</p>
      {found.map((kind) => (
        <MessageRow key={kind.type} kind={kind} />
      ))}
    </section>
  );
}

function MessageRow({ kind: { type, examples } }: { kind: Kind }) {
  return (
    <details class="door">
      <summary>
        <code class="path">{type}</code>
        {examples.length > 1 && <span class="said">{examples.length} examples</span>}
      </summary>
      <div class="inside">
        {examples.map(({ name, text }) => (
          <section key={name}>
            {examples.length > 1 && <h4>{name}</h4>}
            <pre>{text.trimEnd()}</pre>
          </section>
        ))}
      </div>
    </details>
  );
}

/** Every code that a refusal may have. */
export function Problems({ reference, words }: { reference: Document; words: string }) {
  const found = reference["x-problems"].filter(({ code, description }) =>
    matches(`problem ${code} ${description}`, words),
  );
  if (found.length === 0) return null;
  return (
    <section class="group" id="problems">
      <h2>Problems</h2>
      <ul class="answers">
        {found.map(({ code, status, description }) => (
          <li key={code}>
            <span class="status bad">{status}</span>
            <div>
              <code class="field">{code}</code> <Line text={description} />
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}
