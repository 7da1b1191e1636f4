import { createDatabase, type DatabaseService, type Driver, logLayer } from "@db/core";
import { surreal } from "@db/surreal";
import type { Config } from "./config.ts";
import type { Logger } from "./logger.ts";

/** The database as the service uses it; not connected yet. */
export function openDatabase(config: Config, logger: Logger, driver: Driver = driverOf(config)): DatabaseService {
  const { operationTimeoutMs: timeoutMs, startupMaxWaitMs } = config;
  // No attempt timeout: as long as nothing tries again, it would only shorten the call.
  return createDatabase({ driver, layers: [logLayer({ logger })], timeoutMs, startupMaxWaitMs });
}

function driverOf({ url, namespace, database }: Config): Driver {
  return surreal({ url, namespace, database });
}
