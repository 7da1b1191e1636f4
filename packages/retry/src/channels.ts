import { channel } from "node:diagnostics_channel";
import { type GiveUpReason, typeOf } from "./errors.ts";

/** The channels of `node:diagnostics_channel` that this package publishes on. Names and payloads are public. */
export const CHANNELS = {
  /** Payload: `RetryEvent`. */
  retry: "db:retry",
} as const;

/** One turn of a call that did not succeed at its first attempt. Never a message or a value. */
export interface RetryEvent {
  /** The name of the policy; of a layer that has none, the driver's. */
  readonly policy: string;
  /** What is repeated, such as `read`, where a layer knows it. */
  readonly operation: string | undefined;
  /** Which attempt has just ended, 1 for the first. */
  readonly attempt: number;
  /** Until the next attempt; 0 where there is none. */
  readonly delayMs: number;
  /** The code or name of the last error. */
  readonly errorType: string;
  /** `retry`: another attempt follows. `success`: this one, after others. Else why there is no further one. */
  readonly outcome: "retry" | "success" | GiveUpReason;
}

const retries = channel(CHANNELS.retry);

/** What was refused at the first attempt had no retry to tell of. */
export function publish(
  policy: string,
  operation: string | undefined,
  attempt: number,
  delayMs: number,
  error: unknown,
  outcome: RetryEvent["outcome"],
): void {
  if (!retries.hasSubscribers || (attempt <= 1 && outcome === "not-retryable")) return;
  retries.publish({ policy, operation, attempt, delayMs, errorType: typeOf(error), outcome } satisfies RetryEvent);
}
