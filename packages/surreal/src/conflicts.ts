import { setTimeout } from "node:timers/promises";
import { type CallContext, untilInterrupted } from "@db/core";
import { classify } from "./errors.ts";

const MAX_ATTEMPTS = 20;
const MAX_WAIT_MS = 50;

/** Runs what changes the schema, or registers in it, again after a conflict: it has no effect twice, and others do the same. */
export function retryingConflicts<T>(context: CallContext, run: () => Promise<T>): Promise<T> {
  return untilNoConflict(run, (pause) => untilInterrupted(pause, context, "none"));
}

/**
 * The same, for what no call's context bounds. Entering a place is such: whoever is first makes it, and those who are
 * first together conflict (of 12 new databases of one namespace, entered at once, 10 were refused on `rocksdb`).
 * @param bound ends a pause when there is no time left, by rejecting
 */
export async function untilNoConflict<T>(
  run: () => Promise<T>,
  bound: (pause: Promise<void>) => Promise<void> = (pause) => pause,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await run();
    } catch (error) {
      if (attempt === MAX_ATTEMPTS || classify(error, { effect: "none" }).code !== "CONFLICT") throw error;
      await bound(setTimeout(Math.random() * Math.min(MAX_WAIT_MS, 2 ** attempt)));
    }
  }
}
