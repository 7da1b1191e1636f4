import { prometheus } from "@db/metrics/prometheus";
import { WriteQueue } from "@db/queue";
import type { OpenAPIV3_1 } from "openapi-types";
import { describe, expect, test } from "vitest";
import { json, note, startApp } from "./harness.ts";

async function documentOf(): Promise<{ readonly document: OpenAPIV3_1.Document; readonly routes: readonly string[] }> {
  await using queue = await WriteQueue.open({ durability: "memory" });
  const { app } = await startApp({ queue, metrics: prometheus() });
  const answer = await app.request("/openapi.json");
  expect(answer.headers.get("content-type")).toBe("application/json");
  const handled = app.routes.filter(({ method, path }) => method !== "ALL" && !path.endsWith("*"));
  const routes = [
    ...new Set(handled.map(({ method, path }) => `${method.toLowerCase()} ${path.replace(":id", "{id}")}`)),
  ];
  return { document: (await answer.json()) as OpenAPIV3_1.Document, routes: routes.sort() };
}

const METHODS = ["get", "post", "patch", "delete", "put"] as const;

function operationsOf({
  paths = {},
}: OpenAPIV3_1.Document): readonly (readonly [string, OpenAPIV3_1.OperationObject])[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    METHODS.flatMap((method) => (item?.[method] === undefined ? [] : [[`${method} ${path}`, item[method]] as const])),
  );
}

describe("the document", () => {
  test("has every route of the service, and no other", async () => {
    const { document, routes } = await documentOf();
    expect(document.openapi).toBe("3.1.0");
    expect(
      operationsOf(document)
        .map(([name]) => name)
        .sort(),
    ).toEqual(routes);
    expect(routes).toHaveLength(8 + 4 + 3 + 2);
  });

  test("refers to nothing that it has not, and names every operation once", async () => {
    const { document } = await documentOf();
    const text = JSON.stringify(document);
    for (const [, name] of text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)) {
      expect(Object.keys(document.components?.schemas ?? {})).toContain(name);
    }
    const names = operationsOf(document).map(([, { operationId }]) => operationId);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toContain("create_note");
  });

  test("every failure is a problem document, but of /health", async () => {
    const { document } = await documentOf();
    for (const [name, { responses = {} }] of operationsOf(document)) {
      for (const [status, response] of Object.entries(responses)) {
        if (Number(status) < 400 || name === "get /health") continue;
        expect(Object.keys(("content" in response && response.content) || {})).toEqual(["application/problem+json"]);
      }
    }
  });

  test("documents the parameters that a list takes", async () => {
    const { document } = await documentOf();
    const list = operationsOf(document).find(([name]) => name === "get /notes")?.[1];
    expect(list?.parameters?.map((parameter) => "name" in parameter && parameter.name)).toEqual([
      "limit",
      "cursor",
      "order",
      "author",
      "tag",
      "q",
    ]);
  });

  test("its example of a body is taken, and its schema of a note is what comes back", async () => {
    const { app } = await startApp();
    const { document } = await documentOf();
    const create = operationsOf(document).find(([name]) => name === "post /notes")?.[1];
    const body = create?.requestBody !== undefined && "content" in create.requestBody ? create.requestBody : undefined;
    const made = await app.request("/notes", json("POST", body?.content["application/json"]?.example));
    expect(made.status).toBe(201);
    const schema = document.components?.schemas?.Note as OpenAPIV3_1.SchemaObject;
    expect(Object.keys((await made.json()) as object)).toEqual(schema.required);
    const input = document.components?.schemas?.NewNote as OpenAPIV3_1.SchemaObject;
    expect(Object.keys(input.properties ?? {})).toEqual([...Object.keys(note), "tags"]);
    expect(input.additionalProperties).toBe(false);
  });
});
