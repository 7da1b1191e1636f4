import { readFileSync } from "node:fs";
import { type MeterProvider, metrics, trace } from "@opentelemetry/api";
import { watchExporter } from "./exporters.ts";
import { Faults } from "./faults.ts";
import { Feed } from "./feed.ts";
import { reaches } from "./level.ts";
import { recordOperations } from "./operation-metrics.ts";
import { type InstrumentOptions, readOptions } from "./options.ts";
import { recordPools } from "./pool-metrics.ts";
import { recordQueues } from "./queue-metrics.ts";
import { recordRetries } from "./retry-metrics.ts";
import { checkSelf, type SelfCheck } from "./self-check.ts";
import { traceOperations } from "./spans.ts";
import { recordStates } from "./state-metrics.ts";

/** What `instrument` gives. */
export interface Instrumentation extends AsyncDisposable {
  /** How the telemetry itself is: what is wrong, what is seen, how many series there are. */
  selfCheck(): SelfCheck;
  /** Listens no more and ends open spans. The providers are yours to shut down. May be called again. */
  shutdown(): Promise<void>;
}

const SCOPE = "@db/metrics";
/** Shared by all copies of this package. */
const key = Symbol.for("@db/metrics/in-use");

/**
 * Makes metrics and spans of what `@db` packages of this process do, those that were made before included. Telemetry that
 * fails is counted and told once; no call fails for it.
 *
 * @throws TypeError for an option that is unknown or wrong
 * @throws Error if the provider is instrumented already: everything would be counted twice
 * @throws what a provider throws when it is asked for instruments
 */
export function instrument(options: InstrumentOptions = {}): Instrumentation {
  const settings = readOptions(options);
  const { level, meterProvider = metrics.getMeterProvider(), tracerProvider = trace.getTracerProvider() } = settings;
  const inUse = providersInUse();
  if (inUse.has(meterProvider)) {
    throw new Error("this meter provider is instrumented already: shut the other instrumentation down first");
  }
  const version = readVersion();
  const meter = meterProvider.getMeter(SCOPE, version);
  const faults = new Faults();
  const feed = new Feed(meter, settings, faults);
  const traces = reaches(level, "detailed");
  try {
    recordOperations(feed);
    recordRetries(feed);
    recordPools(feed);
    recordQueues(feed);
    recordStates(feed, version);
    feed.begin();
    if (traces) traceOperations(feed, tracerProvider.getTracer(SCOPE, version));
  } catch (fault) {
    // Half of it must not go on listening.
    feed.end();
    throw fault;
  }
  inUse.add(meterProvider);
  const leave = settings.exporters.map((exporter) => watchExporter(exporter, faults));

  const shutdown = async (): Promise<void> => {
    feed.end();
    for (const stop of leave.splice(0)) stop();
    inUse.delete(meterProvider);
  };
  return {
    selfCheck: () => checkSelf(feed, meter, traces ? tracerProvider : undefined),
    shutdown,
    [Symbol.asyncDispose]: shutdown,
  };
}

function providersInUse(): WeakSet<MeterProvider> {
  const shared = globalThis as { [key]?: WeakSet<MeterProvider> };
  shared[key] ??= new WeakSet();
  return shared[key];
}

/** Of this package, from source and from what is published alike. */
function readVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  return (manifest as { readonly version: string }).version;
}
