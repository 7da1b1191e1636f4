import { setTimeout } from "node:timers/promises";
import { type CallContext, isDatabaseError, untilInterrupted } from "@db/core";

const MAX_ATTEMPTS = 20;
const MAX_WAIT_MS = 50;

/** Runs what changes the schema, or registers in it, again after a conflict: it has no effect twice, and others do the same. */
export async function retryingConflicts<T>(context: CallContext, run: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await run();
    } catch (error) {
      const again = isDatabaseError(error) && error.code === "CONFLICT" && attempt < MAX_ATTEMPTS;
      if (!again) throw error;
      await untilInterrupted(setTimeout(Math.random() * Math.min(MAX_WAIT_MS, 2 ** attempt)), context, "none");
    }
  }
}
