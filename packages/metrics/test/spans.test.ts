import { context, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { telemetry } from "./support/telemetry.ts";
import { service, work } from "./support/workload.ts";

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
});
afterAll(() => {
  context.disable();
});

const named = (spans: readonly ReadableSpan[], name: string): ReadableSpan => {
  const found = spans.filter((span) => span.name === name);
  if (found.length !== 1)
    throw new Error(`expected one span ${name}, got ${spans.map((span) => span.name).join(", ")}`);
  return found[0] as ReadableSpan;
};

describe("spans", () => {
  test("of the level basic there are none", async () => {
    const { spans } = telemetry();
    await work();
    expect(spans()).toEqual([]);
  });

  test("one for each logical call, named and labelled by the conventions, without text at detailed", async () => {
    const { spans } = telemetry({ level: "detailed" });
    await work();
    expect(spans().map(({ name, kind }) => [name, kind])).toEqual([
      ["read notes", SpanKind.CLIENT],
      ["read notes", SpanKind.CLIENT],
      ["read notes", SpanKind.CLIENT],
      ["update notes", SpanKind.CLIENT],
      ["find notes", SpanKind.CLIENT],
      ["query", SpanKind.CLIENT],
    ]);
    expect(named(spans(), "find notes").attributes).toEqual({
      "db.system.name": "surrealdb",
      "db.operation.name": "find",
      "db.namespace": "shop|main",
      "db.collection.name": "notes",
      "server.address": "db.example",
      "server.port": 8000,
    });
    expect(JSON.stringify(spans().map(({ attributes, events, status }) => [attributes, events, status]))).not.toContain(
      "SECRET",
    );
  });

  test("the text at all, sanitised, with its summary for a name and the number of rows", async () => {
    const { spans } = telemetry({ level: "all" });
    await work();
    expect(named(spans(), "SELECT notes").attributes).toMatchObject({
      "db.query.text": "SELECT * FROM notes WHERE title = ? AND id = $id",
      "db.query.summary": "SELECT notes",
      "db.response.returned_rows": 1,
    });
    expect(JSON.stringify(spans().map(({ attributes, events, status }) => [attributes, events, status]))).not.toContain(
      "SECRET",
    );
  });

  test("errors by their code, without a message", async () => {
    const { spans } = telemetry({ level: "all" });
    await work();
    const { attributes, status, events } = named(spans(), "update notes");
    expect(status).toEqual({ code: SpanStatusCode.ERROR });
    expect(attributes).toMatchObject({ "error.type": "NOT_FOUND", "db.response.status_code": "-32000" });
    expect(events).toEqual([]);
    expect(named(spans(), "find notes").status.code).toBe(SpanStatusCode.UNSET);
  });

  test("retries as events of the one call that they belong to", async () => {
    const { spans } = telemetry({ level: "detailed" });
    const db = await service();
    await Promise.all([db.read("notes:busy"), db.read("notes:1"), db.find("notes", {})]);
    const events = spans().map(({ events: all, status }) => [
      all.map(({ name, attributes }) => [name, attributes]),
      status.code,
    ]);
    expect(events.filter(([all]) => (all as unknown[]).length > 0)).toEqual([
      [
        [
          [
            "retry",
            {
              "error.type": "CONFLICT",
              "database.retry.attempt": 1,
              "database.retry.delay": 0.001,
              "database.retry.outcome": "retry",
            },
          ],
          ["retry", expect.objectContaining({ "database.retry.attempt": 2, "database.retry.outcome": "success" })],
        ],
        SpanStatusCode.UNSET,
      ],
    ]);
  });
});

describe("context", () => {
  test("a call is a child of what is active, through W3C headers, and the parent of what begins inside", async () => {
    const { spans } = telemetry({ level: "detailed" });
    const db = await service("outer");
    const inner = await service("inner");
    const carrier = { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" };
    const remote = new W3CTraceContextPropagator().extract(ROOT_CONTEXT, carrier, {
      get: (from, key) => (from as Record<string, string>)[key],
      keys: Object.keys,
    });
    await context.with(remote, async () => {
      await db.transaction(async () => {
        await inner.find("notes", {});
      });
      await db.read("notes:1");
      expect(trace.getActiveSpan()?.spanContext().spanId).toBe("b7ad6b7169203331");
    });
    const [transaction, find, read] = ["transaction", "find notes", "read notes"].map((name) => named(spans(), name));
    expect([transaction, read].map((span) => span?.parentSpanContext?.spanId)).toEqual([
      "b7ad6b7169203331",
      "b7ad6b7169203331",
    ]);
    expect(find?.parentSpanContext?.spanId).toBe(transaction?.spanContext().spanId);
    expect(find?.spanContext().traceId).toBe("0af7651916cd43dd8448eb211c80319c");
  });

  test("calls at the same time do not become each other's children", async () => {
    const { spans } = telemetry({ level: "detailed" });
    const db = await service();
    await Promise.all(Array.from({ length: 20 }, (_, index) => db.read(`notes:${index}`)));
    db.find("notes", {}).catch(() => {});
    await db.find("notes", {});
    expect(spans()).toHaveLength(22);
    expect(spans().map((span) => span.parentSpanContext)).toEqual(spans().map(() => undefined));
  });
});

test("what is open at the shutdown is ended, and nothing is begun after it", async () => {
  const { spans, metrics } = telemetry({ level: "detailed" });
  const db = await service();
  const call = db.read("notes:1");
  await metrics.shutdown();
  expect(spans()).toHaveLength(1);
  await call;
  await db.read("notes:2");
  expect(spans()).toHaveLength(1);
});
