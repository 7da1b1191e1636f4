import { context, createContextKey, createNoopMeter, type Meter, type TracerProvider } from "@opentelemetry/api";
import type { Feed } from "./feed.ts";
import { liveComponents } from "./sources.ts";

/** How the telemetry itself is. */
export interface SelfCheck {
  /** Whether there is nothing under `problems`. */
  readonly ok: boolean;
  /** In words, with what to do. */
  readonly problems: readonly string[];
  /** Where metrics go: `none` means that no SDK was there when `instrument()` was called. */
  readonly meter: "sdk" | "none";
  /** Where spans go; `off` at the level `basic`. */
  readonly tracer: "sdk" | "none" | "off";
  /** How often the instruments have been read by an exporter. */
  readonly collections: number;
  /** How often telemetry itself failed; calls go on without it. */
  readonly faults: number;
  readonly lastFault: string | undefined;
  /** By instrument: how many series there are, of how many, and how often something went to `_other`. */
  readonly series: Readonly<
    Record<string, { readonly used: number; readonly limit: number; readonly overflowed: number }>
  >;
  /** What is seen of this process. */
  readonly seen: { readonly databases: number; readonly pools: number; readonly queues: number };
}

export function checkSelf(feed: Feed, meter: Meter, tracers: TracerProvider | undefined): SelfCheck {
  const series = Object.fromEntries(
    [...feed.tables].map(([name, { size, limit, overflowed }]) => [name, { used: size, limit, overflowed }]),
  );
  const metered = meter.constructor.name !== createNoopMeter().constructor.name;
  const traced = tracers !== undefined && isRealTracing(tracers);
  const problems: string[] = [];
  if (!metered) {
    problems.push(
      "no metrics SDK was registered when instrument() was called: register it before, or pass meterProvider",
    );
  } else if (feed.collections === 0) {
    problems.push("nothing has read the metrics yet: no exporter is attached, or it has not been scraped");
  }
  if (tracers !== undefined && !traced) problems.push("no tracing SDK is registered: spans go nowhere");
  if (traced && !keepsContext()) {
    problems.push("no context manager is registered: spans have no parents");
  }
  for (const [name, { overflowed }] of Object.entries(series)) {
    if (overflowed > 0) problems.push(`${name} has more series than maxSeries: ${overflowed} records went to _other`);
  }
  if (feed.faults.count > 0) problems.push(`telemetry failed ${feed.faults.count} times, last in ${feed.faults.last}`);
  return {
    ok: problems.length === 0,
    problems,
    meter: metered ? "sdk" : "none",
    tracer: tracers === undefined ? "off" : traced ? "sdk" : "none",
    collections: feed.collections,
    faults: feed.faults.count,
    lastFault: feed.faults.last,
    series,
    seen: {
      databases: liveComponents("database").length,
      pools: liveComponents("pool").length,
      queues: liveComponents("queue").length,
    },
  };
}

/** The global provider stands in for one that may come later. */
function isRealTracing(provider: TracerProvider): boolean {
  const delegate =
    "getDelegate" in provider && typeof provider.getDelegate === "function" ? provider.getDelegate() : provider;
  return delegate?.constructor?.name !== "NoopTracerProvider";
}

function keepsContext(): boolean {
  const key = createContextKey("@db/metrics self-check");
  return context.with(context.active().setValue(key, true), () => context.active().getValue(key) === true);
}
