import { BoundedCall } from "./bounded-call.ts";
import { type CallContext, Context, type ContextChange } from "./context.ts";
import { DeadlineTimer } from "./deadline.ts";
import type { Effect } from "./errors.ts";
import { checkDuration, checkSignal } from "./options.ts";

/** What `runCall` takes: the facts of the context, and its limits. */
export interface RunCallOptions extends Omit<ContextChange, "signal"> {
  /** The deadline of the call, in milliseconds, 1..2147483647. */
  readonly timeoutMs: number;
  /** Ends the call with CANCELLED. Default none. */
  readonly signal?: AbortSignal;
  /** What may have happened to the data when the work never says so. Default `none`. */
  readonly lost?: Effect;
}

const timer = new DeadlineTimer();

/**
 * Runs work with a context of its own, for those who call a driver or an `Execute` without the façade: a queue's
 * replay, an adapter's test. Ends by the timeout or the signal like every call.
 */
export function runCall<T>(options: RunCallOptions, work: (context: CallContext) => Promise<T>): Promise<T> {
  const { timeoutMs, signal, lost = "none", operationId, ...facts } = options;
  const limitMs = checkDuration("timeoutMs", timeoutMs);
  const call = new BoundedCall(timer, limitMs, checkSignal("signal", signal), operationId, lost);
  return call.run(() => work(new Context(call, facts)));
}
