import { DatabaseErrorOf } from "./errors.ts";
import { checkDuration, checkKeys } from "./options.ts";

export interface TimeoutOptions {
  /** In milliseconds, 1..2147483647. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/**
 * Runs any work with an end: its signal fires at the timeout or on the caller's abort, and the promise rejects at once,
 * with QUERY_TIMEOUT or with CANCELLED (the signal's reason as cause). Says nothing of what the work did until then.
 */
export async function withTimeout<T>(work: (signal: AbortSignal) => Promise<T>, options: TimeoutOptions): Promise<T> {
  checkKeys("withTimeout", options, ["timeoutMs", "signal"]);
  const { timeoutMs, signal } = options;
  checkDuration("timeoutMs", timeoutMs);
  const controller = new AbortController();
  const cancel = (): void =>
    controller.abort(
      new DatabaseErrorOf("CANCELLED", "cancelled by the caller's signal", {}, { cause: signal?.reason }),
    );
  const expire = (): void =>
    controller.abort(new DatabaseErrorOf("QUERY_TIMEOUT", `no answer within ${timeoutMs} ms`, { timeoutMs }));
  if (signal?.aborted === true) cancel();
  signal?.addEventListener("abort", cancel, { once: true });
  const timer = setTimeout(expire, timeoutMs);
  try {
    controller.signal.throwIfAborted();
    return await new Promise<T>((resolve, reject) => {
      controller.signal.addEventListener("abort", () => reject(controller.signal.reason), { once: true });
      work(controller.signal).then(resolve, reject);
    });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", cancel);
  }
}
