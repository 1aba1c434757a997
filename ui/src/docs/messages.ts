/** Every message of both dialects, as the tests of `wire` write them. */

export interface Message {
  readonly name: string;
  readonly text: string;
}

/** The messages of one type, an example for each way it comes about. */
export interface Kind {
  readonly type: string;
  readonly examples: readonly Message[];
}

export interface Dialect {
  readonly name: string;
  readonly description: string;
  readonly kinds: readonly Kind[];
}

const monitor = import.meta.glob<string>("../../../crates/wire/golden/monitor/*.json", {
  eager: true,
  query: "?raw",
  import: "default",
});
const client = import.meta.glob<string>("../../../crates/wire/golden/client/*.json", {
  eager: true,
  query: "?raw",
  import: "default",
});

export const DIALECTS: readonly Dialect[] = [
  {
    name: "Monitor dialect",
    description: "Told by /ws/monitor/{id} and GET /api/events/monitor: every event.",
    kinds: kindsOf(monitor),
  },
  {
    name: "Client dialect",
    description: "Told by /ws/client/{id}, GET /api/events/client and a job's stream: the client's own jobs.",
    kinds: kindsOf(client),
  },
];

function kindsOf(files: Readonly<Record<string, string>>): readonly Kind[] {
  const kinds = new Map<string, Message[]>();
  for (const [path, text] of Object.entries(files)) {
    const name = path.split("/").at(-1)?.replace(".json", "").replaceAll("_", " ") ?? "";
    const { type } = JSON.parse(text) as { readonly type: string };
    kinds.set(type, [...(kinds.get(type) ?? []), { name, text }]);
  }
  return [...kinds]
    .map(([type, examples]) => ({ type, examples }))
    .sort((one, other) => (one.type < other.type ? -1 : 1));
}
