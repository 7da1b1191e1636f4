import { createDatabase } from "@db/core";
import { instrument } from "@db/metrics";
import { MockDatabase } from "@db/testing";
import { context, SpanKind, SpanStatusCode } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { createApp } from "../src/app.ts";
import { json, note } from "./harness.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const CALLER = "b7ad6b7169203331";
const traced = { traceparent: `00-${TRACE}-${CALLER}-01` };

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
});
afterAll(() => {
  context.disable();
});

interface Traced {
  readonly app: ReturnType<typeof createApp>;
  readonly mock: MockDatabase;
  readonly log: readonly object[];
  spans(): readonly ReadableSpan[];
}

async function start(): Promise<Traced> {
  const exporter = new InMemorySpanExporter();
  const tracerProvider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  const telemetry = instrument({ level: "detailed", meterProvider: new MeterProvider(), tracerProvider });
  const mock = new MockDatabase();
  const db = createDatabase({ driver: mock });
  await db.connect();
  onTestFinished(async () => {
    await db.disconnect();
    await telemetry.shutdown();
    await tracerProvider.shutdown();
  });
  const log: object[] = [];
  const add = (facts: object): void => {
    log.push(facts);
  };
  const logger = { debug: add, info: add, warn: add, error: add };
  return { app: createApp({ db, logger, tracerProvider }), mock, log, spans: () => exporter.getFinishedSpans() };
}

const idOf = (span: ReadableSpan | undefined): string | undefined => span?.spanContext().spanId;

test("a request's trace goes on in its own span, and from there in the spans of its calls of the database", async () => {
  const { app, log, spans } = await start();
  const made = await app.request("/notes", {
    ...json("POST", note),
    headers: { "content-type": "application/json", ...traced },
  });
  expect(made.status).toBe(201);
  const [create, request] = spans();
  expect(spans().map(({ name, kind }) => [name, kind])).toEqual([
    ["create notes", SpanKind.CLIENT],
    ["POST /notes", SpanKind.SERVER],
  ]);
  for (const span of spans()) expect(span.spanContext().traceId).toBe(TRACE);
  expect(request?.parentSpanContext?.spanId).toBe(CALLER);
  expect(create?.parentSpanContext?.spanId).toBe(idOf(request));
  // One id leads from the answer to the log and to the span, and one from the log to the trace.
  const requestId = made.headers.get("x-request-id");
  expect(requestId).toMatch(/^[\w-]{36}$/);
  expect(request?.attributes["notes.request_id"]).toBe(requestId);
  expect(log.at(-1)).toMatchObject({ requestId, traceId: TRACE });
});

test("the pages of an export belong to its request, also when its answer has begun", async () => {
  const { app, spans } = await start();
  for (let index = 0; index < 250; index += 1) await app.request("/notes", json("POST", note));
  await (await app.request("/notes/export", { headers: traced })).text();
  const request = spans().find(({ name }) => name === "GET /notes/export");
  const pages = spans().filter(({ name }) => name === "find notes");
  expect(pages).toHaveLength(3);
  for (const page of pages) expect(page.parentSpanContext?.spanId).toBe(idOf(request));
});

test("requests at the same time, and those without a trace, have one each", async () => {
  const { app, spans } = await start();
  await Promise.all(Array.from({ length: 20 }, () => app.request("/notes")));
  const requests = spans().filter(({ kind }) => kind === SpanKind.SERVER);
  expect(new Set(requests.map((span) => span.spanContext().traceId)).size).toBe(20);
  const pages = spans().filter(({ kind }) => kind === SpanKind.CLIENT);
  expect(new Set(pages.map((span) => span.parentSpanContext?.spanId))).toEqual(new Set(requests.map(idOf)));
});

test("a failure is told by its status, and no id or query is in a span", async () => {
  const { app, mock, spans } = await start();
  mock.goAway({ unavailableAfterMs: 0, retryAfterMs: 1_000 });
  await app.request("/notes/notes:secret?x=secret");
  await app.request("/secret");
  const [read, refused, missing] = spans();
  expect(read?.attributes["error.type"]).toBe("SERVICE_UNAVAILABLE");
  expect(refused?.name).toBe("GET /notes/:id");
  expect(refused?.attributes).toMatchObject({ "http.response.status_code": 503, "error.type": "503" });
  expect(refused?.status.code).toBe(SpanStatusCode.ERROR);
  expect([missing?.attributes["http.response.status_code"], missing?.status.code]).toEqual([404, SpanStatusCode.UNSET]);
  expect(JSON.stringify(spans().map(({ name, attributes }) => [name, attributes]))).not.toContain("secret");
});

test("a traceparent that is none begins a trace, and is no fault", async () => {
  const { app, spans } = await start();
  expect((await app.request("/notes", { headers: { traceparent: "00-zz-1-01" } })).status).toBe(200);
  expect(spans().at(-1)?.parentSpanContext).toBeUndefined();
});
