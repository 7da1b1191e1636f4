import { tracingChannel } from "node:diagnostics_channel";
import { type Case, compare, type Goal, type Measured, report } from "@db/bench";
import * as core from "@db/core";
import { type Instrumentation, instrument, type Level, sanitizeQuery } from "@db/metrics";
import * as pools from "@db/pool";
import { context, SpanKind } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { PrometheusExporter } from "@opentelemetry/exporter-prometheus";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { NoopSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { countBuilders } from "./builders.ts";
import { importSilent } from "./silent-build.ts";

/** One connection taken, one call made, the connection given back; the driver answers at once. */
async function workload(
  { createDatabase, defineDriver }: typeof core,
  { ConnectionPool }: typeof pools,
): Promise<() => Promise<void>> {
  const answer = Promise.resolve(undefined);
  const target = { system: "surrealdb", namespace: "shop|main", address: "127.0.0.1", port: 8000 };
  const db = createDatabase({ driver: defineDriver({ name: "primary", target, statements: { read: () => answer } }) });
  const pool = new ConnectionPool({ name: "main", create: () => ({}), destroy: () => {} });
  await db.connect();
  await pool.start();
  return async () => {
    const lease = await pool.acquire();
    await db.read("notes:1");
    lease.release();
  };
}

const run = await workload(core, pools);
const silentCopy = async (copy: number): Promise<() => Promise<void>> =>
  workload(await importSilent("@db/core", copy), await importSilent("@db/pool", copy));
const silent = await silentCopy(1);
const silentToo = await silentCopy(2);
const repeat = async (times: number, work: () => Promise<void> = run): Promise<void> => {
  for (let count = 0; count < times; count += 1) await work();
};

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
const reader = new PrometheusExporter({ preventServerStart: true });
const meterProvider = new MeterProvider({ readers: [reader] });
const tracerProvider = new TracerProvider({ spanProcessors: [new NoopSpanProcessor()] });
const begin = (level: Level): Instrumentation => instrument({ level, meterProvider, tracerProvider });

const rows: (Measured & { overMinNs?: number; overMedianNs?: number })[] = [];
/** Beside the same code that publishes nothing, in turn and in one process. */
async function beside(
  name: string,
  options: { operations: number; rounds: number },
  what: () => Promise<void> = run,
): Promise<Measured> {
  const cases: Case[] = [
    { name: `${name}: without`, run: silent },
    { name, run: what },
  ];
  const [base, measured] = await compare(cases, options);
  if (base === undefined || measured === undefined) throw new Error("expected two results");
  rows.push(base, {
    ...measured,
    overMinNs: measured.minNs - base.minNs,
    overMedianNs: measured.medianNs - base.medianNs,
  });
  return { ...measured, minNs: measured.minNs - base.minNs, medianNs: measured.medianNs - base.medianNs };
}

for (const work of [silent, silentToo, run]) await repeat(50_000, work);
const built = await countBuilders(() => repeat(10_000));
const unwatched = await beside("acquire + call + release, nobody subscribed", { operations: 5_000, rounds: 80 });
await beside("the same without, a second copy: what is noise", { operations: 5_000, rounds: 80 }, silentToo);

const sees = begin("basic");
const seen = await countBuilders(() => repeat(1_000));
const basic = await beside("basic, with an SDK", { operations: 2_000, rounds: 120 });
await sees.shutdown();
for (const level of ["detailed", "all"] as const) {
  const metrics = begin(level);
  await beside(`${level}, with an SDK and spans`, { operations: 1_000, rounds: 60 });
  await metrics.shutdown();
}

const attributes = { "db.system.name": "surrealdb", "db.namespace": "shop|main", "db.operation.name": "read" };
const histogram = meterProvider.getMeter("bench").createHistogram("alone");
const span = {
  kind: SpanKind.CLIENT,
  attributes: { ...attributes, "db.collection.name": "notes", "server.address": "127.0.0.1", "server.port": 8000 },
};
const tracer = tracerProvider.getTracer("bench");
const query = "SELECT * FROM notes WHERE author = person:ann AND created > d'2026-01-01T00:00:00Z' LIMIT 50";
rows.push(
  ...(await compare([
    { name: "one record of the SDK alone, 3 attributes", run: () => histogram.record(0.001, attributes) },
    { name: "one span of the SDK alone, 6 attributes", run: () => tracer.startSpan("read notes", span).end() },
    { name: "a query of 88 characters sanitised", run: () => sanitizeQuery(query) },
  ])),
);

const limit = 200;
const series = await mostSeries();

/** Five scrapes with 3,000 new collections between each two of them: the most series of one instrument. */
async function mostSeries(): Promise<number> {
  const own = new PrometheusExporter({ preventServerStart: true });
  const metrics = instrument({
    level: "detailed",
    maxSeries: limit,
    meterProvider: new MeterProvider({ readers: [own] }),
  });
  let most = 0;
  for (let scrape = 0; scrape < 5; scrape += 1) {
    for (let index = 0; index < 3_000; index += 1) {
      const event = {
        driver: "primary",
        kind: "read",
        collection: `c${scrape}_${index}`,
        startedAt: performance.now(),
      };
      tracingChannel("db:operation").asyncEnd.publish(event);
    }
    const { resourceMetrics } = await own.collect();
    for (const { metrics: all } of resourceMetrics.scopeMetrics) {
      for (const { dataPoints } of all) most = Math.max(most, dataPoints.length);
    }
  }
  await metrics.shutdown();
  return most;
}

if (seen === 0)
  throw new Error("expected events to be built while somebody listens, got none: the count is worth nothing");
const goals: Goal[] = [
  { what: "nobody subscribed, acquire + call + release (min)", actual: unwatched.minNs, limit: 30, unit: "ns" },
  { what: "nobody subscribed, events built in 10,000 operations", actual: built, limit: 0, unit: "calls" },
  { what: "basic with an SDK, an operation (min)", actual: basic.minNs, limit: 2_000, unit: "ns" },
  { what: `series of one instrument, maxSeries ${limit}`, actual: series, limit: limit + 1, unit: "series" },
];
report("metrics", rows, goals);
// Pools and readers have timers of their own.
process.exit();
