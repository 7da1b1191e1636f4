import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { type DatabaseError, isDatabaseError } from "@db/core";
import { show } from "./assertions.ts";

/** How one call ended. */
export type Settled<T> =
  | { readonly status: "done"; readonly value: T }
  | { readonly status: "failed"; readonly error: DatabaseError };

export async function settled<T>(promise: Promise<T>): Promise<Settled<T>> {
  try {
    return { status: "done", value: await promise };
  } catch (error) {
    if (!isDatabaseError(error)) assert.fail(`expected a DatabaseError, got ${show(error)}`);
    return { status: "failed", error };
  }
}

/**
 * Runs a call many times and aborts each a little later than the one before: before it is sent, while it is on its way,
 * after it is done. What failed must have failed by the abort, with its reason as cause.
 */
export async function abortedAtEveryPoint<T>(
  call: (signal: AbortSignal, point: number) => Promise<T>,
): Promise<readonly Settled<T>[]> {
  const outcomes: Settled<T>[] = [];
  for (let point = 0; point < POINTS; point += 1) {
    const controller = new AbortController();
    const reason = new Error(`aborted at point ${point}`);
    const outcome = settled(call(controller.signal, point));
    await pass(point);
    controller.abort(reason);
    const end = await outcome;
    if (end.status === "failed") {
      assert.equal(end.error.code, "CANCELLED", `expected CANCELLED, got ${show(end.error)}`);
      assert.equal(end.error.cause, reason, "the cause of CANCELLED is the signal's reason");
    }
    outcomes.push(end);
  }
  return outcomes;
}

/** How many moments of a call are tried. */
export const POINTS = 30;

/** At first single microtasks, then whole turns of the event loop. */
async function pass(point: number): Promise<void> {
  if (point < 12) for (let step = 0; step < point; step += 1) await undefined;
  else for (let step = 12; step < point; step += 1) await turn();
}
