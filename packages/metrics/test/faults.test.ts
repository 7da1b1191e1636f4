import { channel, tracingChannel } from "node:diagnostics_channel";
import type { Meter, MeterProvider, TracerProvider } from "@opentelemetry/api";
import { createNoopMeter } from "@opentelemetry/api";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  PeriodicExportingMetricReader,
  MeterProvider as SdkMeterProvider,
} from "@opentelemetry/sdk-metrics";
import {
  InMemorySpanExporter,
  TracerProvider as SdkTracerProvider,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { instrument } from "../src/index.ts";
import { telemetry } from "./support/telemetry.ts";
import { service, work } from "./support/workload.ts";

const uncaught: unknown[] = [];
const note = (fault: unknown): void => void uncaught.push(fault);

beforeEach(() => {
  uncaught.length = 0;
  process.on("uncaughtException", note);
  vi.spyOn(process, "emitWarning").mockReturnValue();
});
afterEach(async () => {
  // What a subscriber throws comes up in the next tick.
  await new Promise((resolve) => setImmediate(resolve));
  process.off("uncaughtException", note);
  vi.restoreAllMocks();
  expect(uncaught).toEqual([]);
});

const fail = (): never => {
  throw new Error("SECRET");
};

describe("calls go on, and the fault is counted and told once, when", () => {
  test("an instrument throws", async () => {
    const meter: Meter = {
      ...createNoopMeter(),
      createHistogram: () => ({ record: fail }),
      createCounter: () => ({ add: fail }),
    };
    const noop = createNoopMeter();
    for (const name of ["createObservableCounter", "createObservableGauge", "createObservableUpDownCounter"] as const) {
      meter[name] = noop[name].bind(noop);
    }
    meter.addBatchObservableCallback = () => {};
    meter.removeBatchObservableCallback = fail;
    const meterProvider: MeterProvider = { getMeter: () => meter };
    const metrics = instrument({ meterProvider });
    await work();
    const { faults, lastFault, ok, problems } = metrics.selfCheck();
    expect(faults).toBeGreaterThanOrEqual(6);
    expect(lastFault).toMatch(/^tracing:db:operation:asyncEnd: Error$/);
    expect([ok, problems.join().includes(`telemetry failed ${faults} times`)]).toEqual([false, true]);
    await metrics.shutdown();
    expect(metrics.selfCheck().lastFault).toBe("shutdown: Error");
    expect(process.emitWarning).toHaveBeenCalledTimes(1);
    expect(JSON.stringify(vi.mocked(process.emitWarning).mock.calls)).not.toContain("SECRET");
  });

  test.each<[string, () => TracerProvider]>([
    ["a tracer", () => ({ getTracer: () => ({ startSpan: fail, startActiveSpan: fail }) })],
    [
      "a span processor at the start",
      () =>
        new SdkTracerProvider({
          spanProcessors: [{ onStart: fail, onEnd: () => {}, forceFlush: async () => {}, shutdown: async () => {} }],
        }),
    ],
    [
      "a span processor at the end",
      () =>
        new SdkTracerProvider({
          spanProcessors: [{ onStart: () => {}, onEnd: fail, forceFlush: async () => {}, shutdown: async () => {} }],
        }),
    ],
    [
      "an exporter of spans",
      () => {
        const exporter = new InMemorySpanExporter();
        exporter.export = fail;
        return new SdkTracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
      },
    ],
  ])("%s throws", async (what, make) => {
    const { metrics, series } = telemetry({ level: "all", tracerProvider: make() });
    await work();
    const records = (await series("db.client.operation.duration")).reduce((sum, { count = 0 }) => sum + count, 0);
    expect(records).toBe(6);
    // The SDK itself catches what its exporter throws.
    if (what !== "an exporter of spans") expect(metrics.selfCheck().faults).toBeGreaterThanOrEqual(6);
  });

  test("an exporter of metrics throws or never ends", async () => {
    for (const exportMetrics of [fail, () => {}]) {
      const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
      exporter.export = exportMetrics;
      const reader = new PeriodicExportingMetricReader({
        exporter,
        exportIntervalMillis: 100,
        exportTimeoutMillis: 50,
      });
      const meterProvider = new SdkMeterProvider({ readers: [reader] });
      const metrics = instrument({ meterProvider });
      await reader.forceFlush().catch(() => {});
      await work();
      // The SDK keeps what its exporter throws to itself; all that is seen of it is that the instruments were read.
      const { faults, collections } = metrics.selfCheck();
      expect([faults, collections > 0]).toEqual([0, true]);
      await metrics.shutdown();
      await meterProvider.shutdown().catch(() => {});
    }
  });

  test("an exporter that throws or fails is counted, and is itself again after the end", async () => {
    const failing = (_: unknown, done: (result: { code: number; error: Error }) => void): void =>
      done({ code: 1, error: new Error("SECRET") });
    for (const exportMetrics of [fail, failing]) {
      const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
      exporter.export = exportMetrics;
      const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 60_000 });
      const meterProvider = new SdkMeterProvider({ readers: [reader] });
      const metrics = instrument({ meterProvider, exporters: [exporter] });
      await work();
      await reader.forceFlush().catch(() => {});
      expect(metrics.selfCheck()).toMatchObject({ faults: 1, lastFault: "an exporter: Error" });
      await metrics.shutdown();
      expect(exporter.export).toBe(exportMetrics);
      await meterProvider.shutdown().catch(() => {});
    }
  });

  test("an exporter that works is not", async () => {
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 60_000 });
    const meterProvider = new SdkMeterProvider({ readers: [reader] });
    const spans = new InMemorySpanExporter();
    const metrics = instrument({ meterProvider, exporters: [exporter, spans] });
    await work();
    await reader.forceFlush();
    expect(metrics.selfCheck().faults).toBe(0);
    expect(exporter.getMetrics().length).toBeGreaterThan(0);
    await metrics.shutdown();
    await meterProvider.shutdown();
    expect(() => instrument({ exporters: [{}] as never })).toThrow(/exporters: expected a list of objects with export/);
  });

  test("somebody publishes what is no event", async () => {
    const { metrics } = telemetry({ level: "all" });
    const hostile = new Proxy({}, { get: fail, has: fail });
    const names = ["db:retry", "db:pool:wait", "db:pool:closed", "db:queue:ack", "db:queue:reject"];
    for (const name of names) {
      for (const event of [hostile, null, undefined, 7]) channel(name).publish(event);
    }
    for (const event of [hostile, null, undefined]) {
      const { start, end, asyncEnd } = tracingChannel("db:operation");
      for (const stage of [start, end, asyncEnd]) stage.publish(event as object);
    }
    expect(metrics.selfCheck().faults).toBeGreaterThan(names.length);
    await (await service()).read("notes:1");
  });

  test("an error cannot be looked at", async () => {
    const { metrics, series } = telemetry({ level: "all" });
    const errors = [new Proxy({}, { get: fail }), undefined, "SECRET", { code: "a sentence: SECRET" }, { name: 5 }];
    for (const error of errors) {
      tracingChannel("db:operation").asyncEnd.publish({
        driver: "mock",
        kind: "read",
        startedAt: performance.now(),
        error,
      });
    }
    const found = await series("db.client.operation.duration");
    expect(found.map(({ labels, count }) => [labels["error.type"], count])).toEqual([["_OTHER", errors.length]]);
    expect(metrics.selfCheck().faults).toBe(0);
  });

  test("what is thrown cannot be looked at either", () => {
    const { metrics } = telemetry();
    channel("db:retry").publish(
      new Proxy(
        {},
        {
          get: () => {
            throw new Proxy(new Error("SECRET"), { get: fail, getPrototypeOf: fail });
          },
        },
      ),
    );
    expect(metrics.selfCheck().lastFault).toBe("db:retry: an unreadable value");
  });
});

test("another subscriber's fault is not ours", async () => {
  const { metrics } = telemetry();
  const { asyncEnd } = tracingChannel("db:operation");
  const other = (): void => {};
  asyncEnd.subscribe(other);
  onTestFinished(() => void asyncEnd.unsubscribe(other));
  await (await service()).read("notes:1");
  expect(metrics.selfCheck().faults).toBe(0);
});
