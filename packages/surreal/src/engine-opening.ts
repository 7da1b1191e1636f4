import { setTimeout } from "node:timers/promises";
import { type CallContext, type DatabaseError, isDatabaseError, untilInterrupted } from "@db/core";
import { exponentialDelay } from "@db/retry";
import type { Surreal } from "surrealdb";
import { openEngine } from "./engine.ts";
import { classifyOpening } from "./errors.ts";
import { reportLeftover } from "./leftover.ts";
import type { EmbeddedOptions } from "./options.ts";

/** Soon at first: an engine that was closed a moment ago may hold its lock for some milliseconds. */
const PAUSES = exponentialDelay({ baseMs: 25, factor: 2, capMs: 1_000, jitter: "equal" });
/** From here on somebody should know. */
const LONG_MS = 2_000;

/**
 * Opens an engine, and waits for a path that another process has open, as it has while a service is replaced by its next
 * version. What waiting cannot cure ends it at once.
 * @throws DATABASE_LOCKED at the end of the context, CONNECTION_FAILED, UNSUPPORTED; CANCELLED
 */
export async function openPatiently(options: EmbeddedOptions, context: CallContext): Promise<Surreal> {
  const start = performance.now();
  let told = false;
  let last: DatabaseError | undefined;
  try {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await openOnce(options, context);
      } catch (thrown) {
        const error = classifyOpening(thrown, options.path);
        if (!error.retryable || context.aborted) throw error;
        last = error;
      }
      if (!told && performance.now() - start > LONG_MS) {
        told = true;
        process.emitWarning(`${last.message}; waiting for it`, "DatabaseWarning");
      }
      const pause = setTimeout(PAUSES(attempt, 0, Math.random), undefined, { ref: false });
      await untilInterrupted(pause, context, "none");
    }
  } catch (error) {
    // That the time is up says less than why it was of no use.
    throw last !== undefined && isDatabaseError(error) && error.code === "QUERY_TIMEOUT" ? last : error;
  }
}

async function openOnce(options: EmbeddedOptions, context: CallContext): Promise<Surreal> {
  const opening = openEngine(options);
  try {
    return await untilInterrupted(opening, context, "none");
  } catch (error) {
    if (context.aborted) opening.then((connection) => connection.close()).catch(reportLeftover);
    throw error;
  }
}
