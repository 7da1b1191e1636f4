import { GRACE_MS } from "./bounded-call.ts";
import type { CallContext } from "./context.ts";
import { type DatabaseError, DatabaseErrorOf, type Effect, isDatabaseError, withEffect } from "./errors.ts";

const ONCE = { once: true } as const;

/** The error of a call whose signal has fired, telling what became of the data. For drivers and layers. */
export function interrupted(context: Pick<CallContext, "signal">, effect: Effect): DatabaseError {
  const { reason } = context.signal as { readonly reason: unknown };
  if (isDatabaseError(reason)) return withEffect(reason, effect);
  return new DatabaseErrorOf("CANCELLED", "cancelled by a signal", {}, { effect, cause: reason });
}

/**
 * Waits for a promise until the signal fires, then rejects with `interrupted(context, effect)`: for work that cannot be
 * stopped. The promise goes on and its result is dropped. Leaves no listener behind.
 */
export function untilInterrupted<T>(
  promise: Promise<T>,
  context: Pick<CallContext, "signal">,
  effect: Effect,
): Promise<T> {
  return until(promise, context, effect, 0);
}

/** The same, for work that may know itself what became of the data: it is left only after the grace of every call. */
export function untilGrace<T>(promise: Promise<T>, context: Pick<CallContext, "signal">, effect: Effect): Promise<T> {
  return until(promise, context, effect, GRACE_MS);
}

function until<T>(
  promise: Promise<T>,
  context: Pick<CallContext, "signal">,
  effect: Effect,
  graceMs: number,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const { signal } = context;
    let timer: NodeJS.Timeout | undefined;
    const leave = (): void => reject(interrupted(context, effect));
    const stop = (): void => {
      if (graceMs === 0) leave();
      else timer = setTimeout(leave, graceMs);
    };
    const settled = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
    };
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, ONCE);
    promise.then(
      (value) => {
        settled();
        resolve(value);
      },
      (reason: unknown) => {
        settled();
        reject(reason);
      },
    );
  });
}
