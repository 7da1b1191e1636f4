import type { GiveUpReason } from "./errors.ts";

/** Before each wait. */
export interface OnRetryEvent {
  readonly error: unknown;
  /** Which attempt failed, 1 for the first. */
  readonly attempt: number;
  /** Until the next attempt. */
  readonly delayMs: number;
  /** Since the call began. */
  readonly elapsedMs: number;
}

/** When a call ends in failure. */
export interface OnGiveUpEvent {
  /** What the caller gets, by identity. */
  readonly error: unknown;
  /** How many there were; 0 for a signal that had fired before the first. */
  readonly attempts: number;
  /** Since the call began. */
  readonly elapsedMs: number;
  readonly reason: GiveUpReason;
}

/** Reports a fault of code that was given to us, once: it must not break a call, and must not go unseen either. */
export class Faults {
  readonly #policy: string;
  #reported = false;

  constructor(policy: string) {
    this.#policy = policy;
  }

  report(what: string): void {
    if (this.#reported) return;
    this.#reported = true;
    process.emitWarning(`${what} (policy "${this.#policy}"; reported once)`, "RetryWarning");
  }
}

/** Nobody waits for a hook: it may throw, reject or never settle. */
export function runHook<E>(name: string, hook: ((event: E) => unknown) | undefined, event: E, faults: Faults): void {
  if (hook === undefined) return;
  try {
    const result = hook(event);
    if (result !== undefined) Promise.resolve(result).catch(() => faults.report(`the hook ${name} rejected`));
  } catch {
    faults.report(`the hook ${name} threw`);
  }
}
