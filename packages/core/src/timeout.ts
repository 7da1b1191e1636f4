import { settling } from "./bounded-call.ts";
import { type DatabaseError, DatabaseErrorOf, type Effect } from "./errors.ts";
import { checkDuration, checkKeys, checkSignal } from "./options.ts";

/** What `withTimeout` takes. */
export interface TimeoutOptions {
  /** In milliseconds, 1..2147483647. */
  readonly timeoutMs: number;
  /** Ends the work with CANCELLED. Default none. */
  readonly signal?: AbortSignal;
}

/**
 * Runs any work with an end: its signal fires at the timeout or on the caller's abort, and the promise rejects at once,
 * with QUERY_TIMEOUT or with CANCELLED (the signal's reason as cause). Of what the work did until then it knows nothing, so
 * the effect is `unknown` once the work has begun.
 */
export async function withTimeout<T>(work: (signal: AbortSignal) => Promise<T>, options: TimeoutOptions): Promise<T> {
  checkKeys("withTimeout", options, ["timeoutMs", "signal"]);
  const timeoutMs = checkDuration("timeoutMs", options.timeoutMs);
  const signal = checkSignal("signal", options.signal);
  if (signal?.aborted === true) throw cancelled("none", signal);
  const controller = new AbortController();
  const cancel = (): void => controller.abort(cancelled("unknown", signal));
  const expire = (): void => {
    const message = `no answer within ${timeoutMs} ms`;
    controller.abort(new DatabaseErrorOf("QUERY_TIMEOUT", message, { timeoutMs }, { effect: "unknown" }));
  };
  signal?.addEventListener("abort", cancel, { once: true });
  const timer = setTimeout(expire, timeoutMs);
  try {
    return await new Promise<T>((resolve, reject) => {
      controller.signal.addEventListener("abort", () => reject(controller.signal.reason), { once: true });
      settling(work(controller.signal)).then(resolve, reject);
    });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", cancel);
  }
}

function cancelled(effect: Effect, signal: AbortSignal | undefined): DatabaseError {
  return new DatabaseErrorOf("CANCELLED", "cancelled by the caller's signal", {}, { effect, cause: signal?.reason });
}
