import { attemptTimeout, createDatabase, type DatabaseService, logLayer } from "@db/core";
import { surreal } from "@db/surreal";
import type { Config } from "./config.ts";
import type { Logger } from "./logger.ts";

/** The database as the service uses it; not connected yet. */
export function openDatabase(config: Config, logger: Logger): DatabaseService {
  const { url, namespace, database, operationTimeoutMs: timeoutMs, startupMaxWaitMs } = config;
  return createDatabase({
    driver: surreal({ url, namespace, database }),
    // One attempt gets a third of the call, as by default.
    layers: [logLayer({ logger }), attemptTimeout({ timeoutMs: timeoutMs / 3 })],
    timeoutMs,
    startupMaxWaitMs,
  });
}
