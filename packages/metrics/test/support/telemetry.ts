import type { Attributes } from "@opentelemetry/api";
import { PrometheusExporter } from "@opentelemetry/exporter-prometheus";
import { DataPointType, MeterProvider, type MetricData } from "@opentelemetry/sdk-metrics";
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { onTestFinished } from "vitest";
import { type Instrumentation, type InstrumentOptions, instrument } from "../../src/index.ts";

/** One series as an exporter would see it: `value` is that of a counter or gauge, `count` and `sum` those of a histogram. */
export interface Series {
  readonly labels: Attributes;
  readonly value: number | undefined;
  readonly count: number | undefined;
  readonly sum: number | undefined;
}

export interface Telemetry {
  readonly metrics: Instrumentation;
  readonly reader: PrometheusExporter;
  /** Every instrument that has series, by its name. */
  collect(): Promise<ReadonlyMap<string, MetricData>>;
  series(name: string): Promise<readonly Series[]>;
  spans(): readonly ReadableSpan[];
}

/** The real SDK with a cumulative reader and everything that was recorded, ended with the test. */
export function telemetry(options: InstrumentOptions = {}): Telemetry {
  const reader = new PrometheusExporter({ preventServerStart: true });
  const meterProvider = new MeterProvider({ readers: [reader] });
  const exporter = new InMemorySpanExporter();
  const tracerProvider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  const metrics = instrument({ meterProvider, tracerProvider, ...options });
  onTestFinished(async () => {
    await metrics.shutdown();
    await meterProvider.shutdown();
    await tracerProvider.shutdown();
  });
  const collect = async (): Promise<ReadonlyMap<string, MetricData>> => {
    const { resourceMetrics, errors } = await reader.collect();
    if (errors.length > 0) throw new AggregateError(errors);
    return new Map(
      resourceMetrics.scopeMetrics
        .flatMap(({ metrics: all }) => all)
        .filter((metric) => metric.dataPoints.length > 0)
        .map((metric) => [metric.descriptor.name, metric]),
    );
  };
  return {
    metrics,
    reader,
    collect,
    async series(name) {
      return seriesOf((await collect()).get(name));
    },
    spans: () => exporter.getFinishedSpans(),
  };
}

export function seriesOf(metric: MetricData | undefined): readonly Series[] {
  if (metric === undefined) return [];
  if (metric.dataPointType === DataPointType.HISTOGRAM) {
    return metric.dataPoints.map(({ attributes, value: { count, sum } }) => ({
      labels: attributes,
      value: undefined,
      count,
      sum,
    }));
  }
  return metric.dataPoints.map(({ attributes, value }) => ({
    labels: attributes,
    value: typeof value === "number" ? value : undefined,
    count: undefined,
    sum: undefined,
  }));
}

/** By label, for tests that look for one value: `amountOf(series, { state: "idle" })`. */
export function amountOf(series: readonly Series[], labels: Attributes): number | undefined {
  const found = series.filter((one) => Object.entries(labels).every(([name, value]) => one.labels[name] === value));
  if (found.length > 1) throw new Error(`expected one series with ${JSON.stringify(labels)}, got ${found.length}`);
  return found[0]?.value ?? found[0]?.count;
}
