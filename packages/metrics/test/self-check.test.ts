import { context, metrics as metricsApi, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { PrometheusExporter } from "@opentelemetry/exporter-prometheus";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { afterEach, expect, test } from "vitest";
import { instrument } from "../src/index.ts";
import { telemetry } from "./support/telemetry.ts";
import { pool, queue, service } from "./support/workload.ts";

afterEach(() => {
  metricsApi.disable();
  trace.disable();
  context.disable();
});

test("says that there is no SDK, and that one which comes later is too late for metrics", async () => {
  const early = instrument({ level: "detailed" });
  expect(early.selfCheck()).toMatchObject({
    ok: false,
    meter: "none",
    tracer: "none",
    problems: [
      "no metrics SDK was registered when instrument() was called: register it before, or pass meterProvider",
      "no tracing SDK is registered: spans go nowhere",
    ],
  });
  const reader = new PrometheusExporter({ preventServerStart: true });
  metricsApi.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
  const spans = new InMemorySpanExporter();
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: spans })] }));
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const db = await service();
  await db.read("notes:1");
  expect(early.selfCheck()).toMatchObject({ meter: "none", tracer: "sdk" });
  expect(spans.getFinishedSpans()).toHaveLength(1);
  await early.shutdown();
});

test("is content with an SDK that was registered after the import and before instrument()", async () => {
  const reader = new PrometheusExporter({ preventServerStart: true });
  metricsApi.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
  await using metrics = instrument();
  const db = await service();
  await db.read("notes:1");
  expect(metrics.selfCheck().problems).toEqual([
    "nothing has read the metrics yet: no exporter is attached, or it has not been scraped",
  ]);
  const { resourceMetrics } = await reader.collect();
  const names = resourceMetrics.scopeMetrics.flatMap(({ metrics: all }) =>
    all.map(({ descriptor }) => descriptor.name),
  );
  expect(names).toContain("db.client.operation.duration");
  expect(metrics.selfCheck()).toMatchObject({ ok: true, problems: [], meter: "sdk", tracer: "off", collections: 1 });
});

test("says that spans have no parents without a context manager", () => {
  const { metrics } = telemetry({ level: "all" });
  expect(metrics.selfCheck().problems).toContain("no context manager is registered: spans have no parents");
});

test("tells what it sees", async () => {
  const { metrics } = telemetry();
  const db = await service();
  pool("one");
  queue("writes");
  expect(metrics.selfCheck().seen).toEqual({ databases: 1, pools: 1, queues: 1 });
  await db.disconnect();
  expect(metrics.selfCheck().seen).toEqual({ databases: 0, pools: 1, queues: 1 });
});
