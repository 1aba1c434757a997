/** The OpenAPI document, as far as this page reads it, and what the page asks of it. */

export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema | boolean>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly format?: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly maxProperties?: number;
}

export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required?: boolean;
  readonly description?: string;
  readonly schema: Schema;
}

type Content = Readonly<Record<string, { readonly schema: Schema }>>;

export interface Answer {
  readonly $ref?: string;
  readonly description?: string;
  readonly content?: Content;
}

export interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly tags: readonly string[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly required: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, Answer>>;
  readonly "x-roles": readonly string[];
}

export interface Socket {
  readonly path: string;
  readonly summary: string;
  readonly "x-roles": readonly string[];
  readonly parameters: readonly Parameter[];
  readonly tells: Schema;
  readonly takes: readonly { readonly type: string; readonly fields: string; readonly reply: string }[];
  readonly closes: Readonly<Record<string, string>>;
}

export interface Code {
  readonly code: string;
  readonly status: number;
  readonly description: string;
}

export interface Document {
  readonly info: { readonly version: string; readonly description: string };
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>;
    readonly responses: Readonly<Record<string, Answer>>;
  };
  readonly "x-websockets": readonly Socket[];
  readonly "x-problems": readonly Code[];
}

/** An operation with where it is. */
export interface Door {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

export interface Group {
  readonly name: string;
  readonly description: string;
  readonly doors: readonly Door[];
}

const METHODS = ["PUT", "POST", "GET", "DELETE"];

/** The operations tag by tag; with words, those in which all of them occur. */
export function groups(document: Document, words: string): readonly Group[] {
  const all = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
  const found = all.filter((door) => matches(textOf(door), words));
  // By path; what makes something comes before what looks at it and what ends it.
  found.sort((one, other) => METHODS.indexOf(one.method) - METHODS.indexOf(other.method));
  found.sort((one, other) => (one.path < other.path ? -1 : Number(one.path > other.path)));
  return document.tags
    .map(({ name, description }) => ({
      name,
      description,
      doors: found.filter(({ operation }) => operation.tags.includes(name)),
    }))
    .filter(({ doors }) => doors.length > 0);
}

/** Whether all words occur in a text, whatever their case. */
export function matches(text: string, words: string): boolean {
  const lower = text.toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => lower.includes(word));
}

function textOf({ method, path, operation }: Door): string {
  const names = (operation.parameters ?? []).map(({ name }) => name);
  return [method, path, operation.operationId, operation.summary, ...operation.tags, ...names].join(" ");
}

/** What a reference names, under that name; anything else as it is. */
export function resolve(document: Document, schema: Schema): { name: string | null; schema: Schema } {
  if (schema.$ref === undefined) return { name: null, schema };
  const name = nameIn(schema.$ref);
  const named = document.components.schemas[name] ?? {};
  return { name, schema: schema.description ? { ...named, description: schema.description } : named };
}

export function answerOf(document: Document, answer: Answer): Answer {
  return answer.$ref === undefined ? answer : (document.components.responses[nameIn(answer.$ref)] ?? {});
}

function nameIn(ref: string): string {
  return ref.split("/").at(-1) ?? "";
}

/** The only schema of some content, and its type. */
export function contentOf(content: Content | undefined): { kind: string; schema: Schema } | null {
  const first = Object.entries(content ?? {})[0];
  return first ? { kind: first[0], schema: first[1].schema } : null;
}

/** The call as someone would type it. */
export function curl(document: Document, { method, path, operation }: Door, origin: string): string {
  const needed = (operation.parameters ?? []).filter(({ required }) => required);
  const open = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => `$${name.toUpperCase()}`);
  const words = [`curl "${origin}${open}"`];
  if (contentOf(operation.responses["200"]?.content)?.kind === "text/event-stream") words[0] += " -N";
  if (method !== "GET") words[0] += ` -X ${method}`;
  if (operation["x-roles"].length > 0) words.push('-H "Authorization: Bearer $TOKEN"');
  for (const { name } of needed.filter((one) => one.in === "header")) {
    words.push(`-H "${name}: $${name.toUpperCase().replaceAll("-", "_").replace(/^X_/, "")}"`);
  }
  const body = contentOf(operation.requestBody?.content);
  if (body && operation.requestBody?.required) {
    words.push("-H 'Content-Type: application/json'");
    words.push(`-d '${JSON.stringify(exampleOf(document, body.schema)).replaceAll("'", "'\\''")}'`);
  }
  return words.join(" \\\n  ");
}

/** An example that the document gives; else one of what is required. */
export function exampleOf(document: Document, given: Schema): unknown {
  const { schema } = resolve(document, given);
  if (schema.examples?.[0] !== undefined) return schema.examples[0];
  const required = (schema.required ?? []).map((name) => [name, exampleOf(document, field(schema, name))]);
  if (required.length > 0) return Object.fromEntries(required);
  switch (kindsOf(schema)[0]) {
    case "string":
      return schema.enum?.[0] ?? "…";
    case "number":
    case "integer":
      return schema.minimum ?? 0;
    case "boolean":
      return true;
    case "array":
      return [];
    default:
      return {};
  }
}

function field(schema: Schema, name: string): Schema {
  const found = schema.properties?.[name];
  return typeof found === "object" ? found : {};
}

function kindsOf({ type }: Schema): readonly string[] {
  return type === undefined ? [] : typeof type === "string" ? [type] : type;
}

/** What a value may be, in a few words. */
export function kindOf(document: Document, schema: Schema): string {
  if (schema.$ref !== undefined) return nameIn(schema.$ref);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  const several = schema.anyOf ?? schema.oneOf;
  if (several !== undefined) {
    // Told once, and what matters first.
    const kinds = [...new Set(several.map((one) => kindOf(document, one)))];
    return kinds.filter((kind) => kind !== "nothing").join(" | ");
  }
  if (schema.maxProperties === 0) return "nothing";
  const kinds = kindsOf(schema).map((kind) => oneKind(document, schema, kind));
  return kinds.length > 0 ? kinds.join(" | ") : schema.allOf || schema.properties ? "object" : "any";
}

function oneKind(document: Document, schema: Schema, kind: string): string {
  switch (kind) {
    case "array":
      return `[${schema.items ? kindOf(document, schema.items) : "any"}]${bounds(schema.minItems, schema.maxItems)}`;
    case "object": {
      const rest = schema.additionalProperties;
      const isMap = typeof rest === "object" && schema.properties === undefined;
      return isMap ? `{name: ${kindOf(document, rest)}}` : "object";
    }
    case "string":
      return `${schema.format === "date-time" ? "time" : "string"}${bounds(schema.minLength, schema.maxLength)}`;
    case "integer":
    case "number":
      if (schema.format === "unix-ms") return "Unix ms";
      return `${kind}${bounds(schema.minimum ?? above(schema.exclusiveMinimum), schema.maximum)}`;
    default:
      return kind;
  }
}

function above(bound: number | undefined): string | undefined {
  return bound === undefined ? undefined : `> ${bound}`;
}

function bounds(min: number | string | undefined, max: number | undefined): string {
  // Every count is 0 or more.
  if (max === undefined) return min === undefined || min === 0 ? "" : ` ≥ ${min}`.replace("≥ >", ">");
  return min === undefined ? ` ≤ ${figure(max)}` : ` ${min}–${figure(max)}`;
}

function figure(bound: number): string {
  return bound.toLocaleString("en");
}

export interface Field {
  readonly name: string;
  readonly schema: Schema;
  readonly isRequired: boolean;
}

/** What stands in a value: the fields of an object, or of what a list or map holds. */
export function fieldsOf(document: Document, given: Schema): readonly Field[] {
  const { schema } = resolve(document, given);
  if (schema.allOf) return schema.allOf.flatMap((part) => fieldsOf(document, part));
  const own = Object.entries(schema.properties ?? {}).flatMap(([name, field]) =>
    typeof field === "object"
      ? [{ name, schema: field, isRequired: schema.required?.includes(name) ?? false }]
      : [],
  );
  if (own.length > 0) {
    const rest = schema.additionalProperties;
    return typeof rest === "object" ? [...own, { name: "any other", schema: rest, isRequired: false }] : own;
  }
  if (schema.items) return fieldsOf(document, schema.items);
  return typeof schema.additionalProperties === "object"
    ? fieldsOf(document, schema.additionalProperties)
    : [];
}

/** The shapes of which a value has one, if that is what it is. */
export function choicesOf(document: Document, given: Schema): readonly Schema[] {
  const { schema } = resolve(document, given);
  if (schema.allOf) return schema.allOf.flatMap((part) => choicesOf(document, part));
  if (schema.items) return choicesOf(document, schema.items);
  if (schema.properties) return [];
  const choices = schema.anyOf ?? schema.oneOf ?? [];
  return choices.filter((one) => fieldsOf(document, one).length > 0 || choicesOf(document, one).length > 0);
}
