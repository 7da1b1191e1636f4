import { join } from "node:path";
import { attemptTimeout, createDatabase, type DatabaseService, type Driver, logLayer } from "@db/core";
import { type Instrumentation, instrument } from "@db/metrics";
import { type Prometheus, prometheus } from "@db/metrics/prometheus";
import { WriteQueue } from "@db/queue";
import { retryLayer } from "@db/retry/layer";
import { type PoolTuning, surreal } from "@db/surreal";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import type { Config } from "./config.ts";
import type { Logger } from "./logger.ts";
import type { Tracing } from "./tracing.ts";

/** All that stands between the service and its data. */
export interface Stack {
  readonly db: DatabaseService;
  readonly queue: WriteQueue;
  readonly metrics: Prometheus;
  /** The database first, so that what it cannot take any more is still stored. */
  close(): Promise<void>;
}

interface StackParts {
  /** Default what the configuration names. */
  readonly driver?: Driver;
  /** Where the spans of calls go. Default nowhere. */
  readonly tracing?: Tracing | undefined;
}

/**
 * The database as the service uses it; not connected yet. From the outside in: what an outage keeps from being written is
 * stored and applied later; what fails without effect is tried again; an attempt that hangs leaves time for another; and
 * each attempt is logged.
 * @throws DATABASE_LOCKED where another process has the queue; STORAGE_DAMAGED, STORAGE_FAILED
 */
export async function openStack(
  config: Config,
  logger: Logger,
  { driver = driverOf(config), tracing }: StackParts = {},
): Promise<Stack> {
  const { operationTimeoutMs: timeoutMs, startupMaxWaitMs } = config;
  const metrics = prometheus();
  const meterProvider = new MeterProvider({ readers: [metrics.reader] });
  const telemetry: Instrumentation = instrument({
    level: config.metricsLevel,
    meterProvider,
    ...(tracing === undefined ? {} : { tracerProvider: tracing.provider, exporters: [tracing.exporter] }),
  });
  const queue = await WriteQueue.open({
    path: join(config.dataDir, "queue", "writes.db"),
    maxEntries: config.queueMaxEntries,
    readYourWrites: true,
  });
  const layers = [queue.layer, retryLayer(), attemptTimeout({ timeoutMs: timeoutMs / 3 }), logLayer({ logger })];
  const db = createDatabase({ driver, layers, timeoutMs, startupMaxWaitMs });
  return {
    db,
    queue,
    metrics,
    async close() {
      try {
        await db.disconnect();
      } finally {
        await queue.close();
        await telemetry.shutdown();
        await meterProvider.shutdown();
      }
    },
  };
}

function driverOf({
  url,
  namespace,
  database,
  username,
  password,
  poolMin,
  poolMax,
  unavailableAfterMs,
}: Config): Driver {
  const place = { url, namespace, database };
  if (!/^(?:ws|http)s?:/.test(url)) return surreal(place);
  return surreal({
    ...place,
    unavailableAfterMs,
    pool: poolOf(poolMin, poolMax),
    ...(username === "" ? {} : { authentication: { username, password } }),
  });
}

const STATEMENTS_A_SOCKET = 16;

/** As few sockets as carry so many statements, filled evenly: fewer where that cannot be divided, never more. */
export function poolOf(min: number, max: number): Required<Pick<PoolTuning, "min" | "maxSockets" | "perSocket">> {
  const maxSockets = Math.ceil(max / STATEMENTS_A_SOCKET);
  const perSocket = Math.floor(max / maxSockets);
  return { min: Math.min(min, maxSockets * perSocket), maxSockets, perSocket };
}
