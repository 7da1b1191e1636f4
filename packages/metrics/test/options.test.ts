import { hasSubscribers } from "node:diagnostics_channel";
import type { TracerProvider } from "@opentelemetry/api";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { describe, expect, test } from "vitest";
import { type InstrumentOptions, instrument, type SlowCallOptions, watchSlowCalls } from "../src/index.ts";
import { type PrometheusOptions, prometheus } from "../src/prometheus.ts";

describe("instrument() refuses", () => {
  test.each<[object, string]>([
    [{ levels: "basic" }, 'instrument: unknown option "levels", expected one of level, meterProvider'],
    [{ level: "some" }, 'level: expected one of basic, detailed, all, got "some"'],
    [{ level: 1 }, "level: expected one of basic, detailed, all, got 1 (number)"],
    [{ meterProvider: {} }, "meterProvider: expected an object with getMeter(), got object"],
    [{ tracerProvider: null }, "tracerProvider: expected an object with getTracer(), got null"],
    [{ maxSeries: 15 }, "maxSeries: expected an integer in 16..1900, got 15 (number)"],
    [{ maxSeries: 20.5 }, "maxSeries: expected an integer in 16..1900, got 20.5 (number)"],
  ])("%j", (options, message) => {
    expect(() => instrument(options as InstrumentOptions)).toThrow(message);
    expect(() => instrument(options as InstrumentOptions)).toThrow(TypeError);
  });

  test("what is no object", () => {
    expect(() => instrument("all" as never)).toThrow('instrument: expected an object of options, got "all"');
  });

  test("a provider that is instrumented already, until that is shut down", async () => {
    const meterProvider = new MeterProvider();
    const first = instrument({ meterProvider });
    expect(() => instrument({ meterProvider })).toThrow("this meter provider is instrumented already");
    await first.shutdown();
    await first.shutdown();
    await using second = instrument({ meterProvider });
    expect(second.selfCheck().faults).toBe(0);
  });
});

test("a provider that throws leaves nothing behind", () => {
  const spans: TracerProvider = {
    getTracer: () => {
      throw new Error("no tracer");
    },
  };
  expect(() => instrument({ level: "all", meterProvider: new MeterProvider(), tracerProvider: spans })).toThrow(
    "no tracer",
  );
  expect(hasSubscribers("tracing:db:operation:asyncEnd")).toBe(false);
  expect(hasSubscribers("db:retry")).toBe(false);
});

describe("watchSlowCalls() refuses", () => {
  const log = (): void => {};
  test.each<[object, string]>([
    [{}, "log: expected a function, got undefined"],
    [{ log, alert: 1 }, "alert: expected a function, got 1 (number)"],
    [{ log, slowMs: 1 }, 'watchSlowCalls: unknown option "slowMs"'],
    [{ log, thresholdMs: -1 }, "thresholdMs: expected a number of milliseconds in 0..2147483647, got -1 (number)"],
    [{ log, thresholdMs: 5, alertMs: 4 }, "alertMs: expected 5 or more, the thresholdMs, got 4 (number)"],
    [{ log, maxPerMinute: 0 }, "maxPerMinute: expected an integer in 1..1000000, got 0 (number)"],
    [{ log, rules: {} }, "rules: expected an array of rules, got object"],
    [{ log, rules: [{ thresholdMs: 1 }] }, "rules[0]: expected an operation or a collection, got neither"],
    [{ log, rules: [{ operation: 1 }] }, "rules[0].operation: expected a string, got 1 (number)"],
    [{ log, rules: [{ operation: "read", slow: 1 }] }, 'rules[0]: unknown option "slow"'],
    [{ log, rules: [{ operation: "read", thresholdMs: 9, alertMs: 8 }] }, "rules[0].alertMs: expected 9 or more"],
  ])("%j", (options, message) => {
    expect(() => watchSlowCalls(options as SlowCallOptions)).toThrow(message);
  });
});

describe("prometheus() refuses", () => {
  test.each<[object, string]>([
    [{ port: 1 }, 'prometheus: unknown option "port", expected one of prefix, scopeLabels, targetInfo'],
    [{ prefix: "a-b" }, 'prefix: expected letters, digits and underscores, got "a-b"'],
    [{ scopeLabels: 1 }, "scopeLabels: expected a boolean, got 1 (number)"],
    [{ targetInfo: [] }, "targetInfo: expected a boolean, got an array"],
  ])("%j", (options, message) => {
    expect(() => prometheus(options as PrometheusOptions)).toThrow(message);
  });
});
