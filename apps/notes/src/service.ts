import { setTimeout as sleep } from "node:timers/promises";
import { type DatabaseError, type DatabaseService, isDatabaseError } from "@db/core";
import manifest from "../package.json" with { type: "json" };
import { createApp } from "./app.ts";
import { banner } from "./banner.ts";
import type { Config } from "./config.ts";
import { errorFacts } from "./error-facts.ts";
import { EventStreams } from "./event-streams.ts";
import { createLogger, type Logger } from "./logger.ts";
import { startOps } from "./ops.ts";
import { type Listening, listen } from "./server.ts";
import { listenForShutdown, type Shutdown } from "./shutdown.ts";
import { openStack, type Stack } from "./stack.ts";
import { startTracing } from "./tracing.ts";

/** A start that failed for a reason that one sentence tells. */
export class StartFault extends Error {}

/**
 * Runs the service until a signal ends it. Listens first and connects then: a port that is taken is known at once, and
 * probes get their answer from the beginning.
 * @throws StartFault
 */
export async function runService(config: Config): Promise<void> {
  const logger = createLogger(config.logLevel);
  const shutdown = listenForShutdown(process, () => process.exit(1));
  const { version } = manifest;
  const tracing = startTracing(config.tracesUrl, version);
  const stack = await openStack(config, logger, { tracing }).catch((error: unknown) => {
    if (!isDatabaseError(error)) throw error;
    throw new StartFault(queueFault(error));
  });
  const { db, queue, metrics } = stack;
  const isDraining = (): boolean => shutdown.isDraining;
  const streams = new EventStreams();
  const ops = await startOps({ db, queue, config, streams, version, isDraining });
  const { bodyLimitBytes } = config;
  let started = false;
  const isStarted = (): boolean => started;
  const app = createApp({
    db,
    queue,
    metrics,
    streams,
    logger,
    version,
    bodyLimitBytes,
    isDraining,
    isStarted,
    ops,
    ...(tracing === undefined ? {} : { tracerProvider: tracing.provider }),
  });
  const server = await listen(app, config).catch(async (error: unknown) => {
    await stack.close();
    throw new StartFault(listenFault(error, config));
  });
  try {
    if (await connect(db, shutdown)) {
      started = true;
      process.stdout.write(banner(server.url, config.url));
      logger.info({ url: server.url, version }, "ready");
      logger.info({ signal: await shutdown.requested }, "stopping");
      if (config.drainDelayMs > 0) await sleep(config.drainDelayMs);
    }
  } finally {
    // An open stream would keep the server from closing.
    streams.close();
    await close(server, stack, config, logger);
    ops.recorder.close();
    await tracing?.close();
  }
  logger.info({}, "stopped");
}

/** False where a signal ended the wait. */
async function connect(db: DatabaseService, shutdown: Shutdown): Promise<boolean> {
  const waiting = new AbortController();
  const connecting = db.connect({ signal: waiting.signal });
  const stopped = shutdown.requested.then(() => waiting.abort());
  try {
    await connecting;
    return true;
  } catch (error) {
    if (shutdown.isDraining) return stopped.then(() => false);
    if (!isDatabaseError(error)) throw error;
    throw new StartFault(connectFault(error));
  }
}

async function close(server: Listening, stack: Stack, config: Config, logger: Logger): Promise<void> {
  await server.close(config.shutdownTimeoutMs);
  await stack.close().catch((error: unknown) => {
    logger.error({ error: errorFacts(error) }, "the database was not closed well");
    process.exitCode = 1;
  });
}

function queueFault({ code, message }: DatabaseError): string {
  return `notes: the queue of writes cannot be opened: ${message} (${code})`;
}

/** The cause is told too: here it goes to the operator's terminal, to nobody else. */
function connectFault({ code, message, cause }: DatabaseError): string {
  const why = cause instanceof Error && !message.includes(cause.message) ? `: ${cause.message}` : "";
  return `notes: the database cannot be used: ${message} (${code})${why}`;
}

function listenFault(error: unknown, { host, port }: Config): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  switch (code) {
    case "EADDRINUSE":
      return `notes: port ${port} of ${host} is taken by another program; set PORT to one that is free`;
    case "EACCES":
      return `notes: port ${port} of ${host} needs rights that this user has not; set PORT to one above 1023`;
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return `notes: HOST ${host} is no address of this machine`;
    default:
      return `notes: cannot listen on port ${port} of ${host} (${String(code)})`;
  }
}
