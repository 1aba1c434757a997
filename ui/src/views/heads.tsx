/** The heads of a table's columns: what each is called, and the class that says how wide it is. */
export function Heads({ of }: { of: readonly (readonly [name: string, kind: string])[] }) {
  return (
    <thead>
      <tr>
        {of.map(([name, kind]) => (
          <th key={name} scope="col" class={kind}>
            {kind === "actions" ? <span class="unseen">{name}</span> : name}
          </th>
        ))}
      </tr>
    </thead>
  );
}
