import { describe, expect, test } from "vitest";
import document_ from "../../crates/wire/golden/openapi.json";
import {
  choicesOf,
  contentOf,
  curl,
  type Document,
  type Door,
  exampleOf,
  fieldsOf,
  groups,
  kindOf,
  matches,
} from "../src/docs/document";
import { DIALECTS } from "../src/docs/messages";

const reference = document_ as unknown as Document;
const doors = groups(reference, "").flatMap((group) => group.doors);

function door(operationId: string): Door {
  const found = doors.find(({ operation }) => operation.operationId === operationId);
  if (!found) throw new Error(`there is no ${operationId}`);
  return found;
}

describe("the doors", () => {
  test("every operation stands in exactly one group", () => {
    const all = Object.values(reference.paths).flatMap((methods) => Object.values(methods));
    expect(doors).toHaveLength(all.length);
    expect(new Set(doors.map(({ operation }) => operation.operationId)).size).toBe(all.length);
  });

  test("are found by what they do, where they are and what they take", () => {
    const found = (words: string) =>
      groups(reference, words).flatMap((group) => group.doors.map(({ operation }) => operation.operationId));
    expect(found("CANCEL job")).toEqual(["cancelJob"]);
    expect(found("wait_ms")).toEqual(["takeOrders", "nextJob"]);
    expect(found("get /api/jobs explain")).toEqual(["explainJob"]);
    expect(found("no such thing")).toEqual([]);
    expect(matches("anything", " ")).toBe(true);
  });

  test("are called as someone would type it", () => {
    expect(curl(reference, door("getJob"), "http://board")).toBe(
      'curl "http://board/api/jobs/$ID" \\\n  -H "Authorization: Bearer $TOKEN"',
    );
    expect(curl(reference, door("isLive"), "http://board")).toBe('curl "http://board/health/live"');
    expect(curl(reference, door("streamMonitorEvents"), "http://board")).toContain('monitor" -N \\\n');
    const next = curl(reference, door("nextJob"), "http://board");
    expect(next).toContain(
      '-X POST \\\n  -H "Authorization: Bearer $TOKEN" \\\n  -H "X-Worker-Session: $WORKER_SESSION"',
    );
    const submit = curl(reference, door("submitJob"), "http://board");
    expect(submit).toContain("-H 'Content-Type: application/json' \\\n  -d '{\"payload\":");
  });

  test("every body that must be there has an example with all that is required", () => {
    for (const { operation } of doors) {
      const body = contentOf(operation.requestBody?.content);
      if (!body || !operation.requestBody?.required) continue;
      const example = exampleOf(reference, body.schema) as Record<string, unknown>;
      for (const { name, isRequired } of fieldsOf(reference, body.schema)) {
        if (isRequired) expect(example, operation.operationId).toHaveProperty(name);
      }
      expect(Object.keys(example).length, operation.operationId).toBeGreaterThan(0);
    }
  });
});

describe("shapes", () => {
  const kind = (name: string, field: string) => {
    const found = fieldsOf(reference, { $ref: `#/components/schemas/${name}` }).find(
      (one) => one.name === field,
    );
    if (!found) throw new Error(`${name} has no ${field}`);
    return kindOf(reference, found.schema);
  };

  test("are told in a few words, with their ranges", () => {
    expect(kind("Submission", "priority")).toBe("integer 0–1,000,000 | null");
    expect(kind("Submission", "start_by")).toBe("time | Unix ms | null");
    expect(kind("Submission", "requirements")).toBe("Requirements | null");
    expect(kind("Batch", "jobs")).toBe("[Submission | any] ≤ 1,000");
    expect(kind("Requirements", "tags")).toBe("string ≤ 256 | [string ≤ 256]");
    expect(kind("Requirements", "any other")).toBe("CustomDemand");
    expect(kind("JoinWorkerBody", "slots")).toBe("integer 1–64");
    expect(kind("JobList", "jobs")).toBe("[JobView]");
  });

  test("a message has one of many shapes, and fields that all have", () => {
    const monitor = { $ref: "#/components/schemas/MonitorMessage" };
    expect(fieldsOf(reference, monitor).map(({ name }) => name)).toContain("timestamp");
    expect(choicesOf(reference, monitor).length).toBeGreaterThan(20);
  });

  test("whatever a shape names is there, and none is without words", () => {
    const seen = new Set<string>();
    const walk = (schema: object): void => {
      for (const value of Object.values(schema)) if (value && typeof value === "object") walk(value);
      if ("$ref" in schema && typeof schema.$ref === "string") seen.add(schema.$ref.split("/").at(-1) ?? "");
    };
    walk(reference.components.schemas);
    for (const name of seen) expect(reference.components.schemas, name).toHaveProperty(name);
    for (const [name, schema] of Object.entries(reference.components.schemas)) {
      expect(kindOf(reference, schema), name).not.toBe("");
    }
  });
});

test("both dialects have an example of each of their messages", () => {
  const [monitor, client] = DIALECTS.map(({ kinds }) => kinds.map(({ type }) => type));
  expect(monitor).toEqual(expect.arrayContaining(["full_state_snapshot", "job_failed", "worker_connected"]));
  expect(client).toEqual(expect.arrayContaining(["complete_job", "update_job_progress"]));
  for (const { kinds } of DIALECTS) {
    for (const { type, examples } of kinds) {
      for (const { text } of examples) expect(JSON.parse(text)).toMatchObject({ type });
    }
  }
});
