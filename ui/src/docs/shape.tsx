import { useState } from "preact/hooks";
import { choicesOf, type Document, type Field, fieldsOf, kindOf, resolve, type Schema } from "./document";
import { Line } from "./prose";

interface Shown {
  readonly reference: Document;
  readonly schema: Schema;
}

/** A shape: what it is, and what stands in it, opened in place. */
export function Shape({ reference, schema, open = false }: Shown & { open?: boolean }) {
  return (
    <div class="shape">
      <Kind reference={reference} schema={schema} />
      <About schema={resolve(reference, schema).schema} />
      <Inside reference={reference} schema={schema} open={open} />
    </div>
  );
}

function Kind({ reference, schema }: Shown) {
  return <span class="kind">{kindOf(reference, schema)}</span>;
}

function About({ schema }: { schema: Schema }) {
  return (
    <>
      {schema.default !== undefined && schema.default !== null && (
        <span class="quiet">
          default <code>{JSON.stringify(schema.default)}</code>
        </span>
      )}
      {schema.description && (
        <span class="about">
          <Line text={schema.description} />
        </span>
      )}
      {schema.pattern && !schema.description && (
        <span class="about quiet">
          <code>{schema.pattern}</code>
        </span>
      )}
    </>
  );
}

/** Drawn when it is opened first: shapes name one another without end. */
function Inside({ reference, schema, open }: Shown & { open: boolean }) {
  const [isOpen, setOpen] = useState(open);
  const fields = fieldsOf(reference, schema);
  const choices = choicesOf(reference, schema);
  if (fields.length === 0 && choices.length === 0) return null;
  return (
    <details open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{fields.length > 0 ? `${fields.length} fields` : `one of ${choices.length}`}</summary>
      {isOpen && (
        <ul class="fields">
          {fields.map((field) => (
            <FieldRow key={field.name} reference={reference} field={field} />
          ))}
          {fields.length === 0 &&
            choices.map((choice, at) => <Choice key={at} reference={reference} schema={choice} />)}
        </ul>
      )}
    </details>
  );
}

function FieldRow({ reference, field: { name, schema, isRequired } }: { reference: Document; field: Field }) {
  return (
    <li>
      <code class="field">{name}</code>
      {isRequired && <span class="needed">required</span>}
      <Shape reference={reference} schema={schema} />
    </li>
  );
}

function Choice({ reference, schema }: Shown) {
  const named = fieldsOf(reference, schema).find(({ name }) => name === "type")?.schema;
  const type = named?.const ?? named?.enum?.[0];
  return (
    <li>
      {typeof type === "string" && <code class="field">{type}</code>}
      <Shape reference={reference} schema={schema} />
    </li>
  );
}
