import type { Layer } from "./layer.ts";
import { checkDuration, checkKeys } from "./options.ts";

/** What `attemptTimeout` takes. */
export interface AttemptTimeoutOptions {
  /**
   * How long one attempt may take, in milliseconds, 1..2147483647. Default 10,000: a third of the call's default
   * deadline, so that a hung connection leaves time for another try.
   */
  readonly timeoutMs?: number;
}

/**
 * Ends an attempt before the call ends, for a retry above it to try again. Transactions pass: their work may rightly
 * take as long as the call.
 * @throws TypeError for an option that is unknown or wrong
 */
export function attemptTimeout(options: AttemptTimeoutOptions = {}): Layer {
  checkKeys("attemptTimeout", options, ["timeoutMs"]);
  const limits = { timeoutMs: checkDuration("timeoutMs", options.timeoutMs ?? 10_000) };
  return (next) =>
    function attemptTimeoutLayer(operation, context) {
      if (operation.kind === "transaction") return next(operation, context);
      return context.within(limits, (inner) => next(operation, inner));
    };
}
