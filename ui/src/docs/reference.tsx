import { useEffect, useState } from "preact/hooks";
import { type Document, type Group, groups } from "./document";
import { DoorRow } from "./door";
import { DIALECTS } from "./messages";
import { Prose } from "./prose";
import { Messages, Problems, Sockets } from "./told";

export function Reference({ reference }: { reference: Document }) {
  const [words, search] = useState("");
  const opened = useHash();
  const found = groups(reference, words);
  return (
    <>
      <header class="top">
        <span>
          <a class="brand" href="/">
            Callboard
          </a>{" "}
          Reference <span class="quiet">{reference.info.version}</span>
        </span>
        <a href="/api/openapi.json">openapi.json</a>
      </header>
      <div class="docs">
        <nav aria-label="Contents">
          <label>
            <span class="unseen">Search</span>
            <input
              type="search"
              placeholder="Search doors and messages"
              value={words}
              onInput={(event) => search(event.currentTarget.value)}
            />
          </label>
          <Contents found={found} />
        </nav>
        <main>
          {words.trim() === "" && (
            <section class="group">
              <Prose text={reference.info.description} />
            </section>
          )}
          {found.map((group) => (
            <section class="group" id={group.name.toLowerCase()} key={group.name}>
              <h2>{group.name}</h2>
              <Prose text={group.description} />
              {group.doors.map((door) => (
                <DoorRow
                  key={door.operation.operationId}
                  reference={reference}
                  door={door}
                  isOpen={door.operation.operationId === opened}
                />
              ))}
            </section>
          ))}
          <Sockets reference={reference} words={words} />
          <Messages words={words} />
          <Problems reference={reference} words={words} />
        </main>
      </div>
    </>
  );
}

function Contents({ found }: { found: readonly Group[] }) {
  const others = ["WebSockets", ...DIALECTS.map(({ name }) => name), "Problems"];
  return (
    <ul>
      {found.map(({ name, doors }) => (
        <li key={name}>
          <a href={`#${name.toLowerCase()}`}>{name}</a>
          <ul>
            {doors.map(({ method, path, operation }) => (
              <li key={operation.operationId}>
                <a class="entry" href={`#${operation.operationId}`} title={operation.summary}>
                  <span class={`method ${method.toLowerCase()}`}>{method}</span>
                  <span class="line">{path.replace("/api", "")}</span>
                </a>
              </li>
            ))}
          </ul>
        </li>
      ))}
      {others.map((name) => (
        <li key={name}>
          <a href={`#${idOf(name)}`}>{name}</a>
        </li>
      ))}
    </ul>
  );
}

function idOf(name: string): string {
  return name === "WebSockets" ? "sockets" : name.toLowerCase().replaceAll(" ", "-");
}

/** What the address points at; it is scrolled to once it is drawn. */
function useHash(): string {
  const [hash, setHash] = useState(location.hash.slice(1));
  useEffect(() => {
    const changed = () => setHash(location.hash.slice(1));
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  useEffect(() => {
    if (hash !== "") document.getElementById(hash)?.scrollIntoView();
  }, [hash]);
  return hash;
}
