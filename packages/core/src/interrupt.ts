import type { CallContext } from "./context.ts";
import { type DatabaseError, DatabaseErrorOf, type Effect, isDatabaseError, withEffect } from "./errors.ts";

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
  return new Promise<T>((resolve, reject) => {
    const { signal } = context;
    const stop = (): void => reject(interrupted(context, effect));
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}
