import { Deadline, type Deadlines } from "./deadlines.ts";
import { neutral } from "./neutral.ts";

export type Outcome =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: unknown; readonly timedOut?: boolean };

interface HookCallOptions {
  /** For the message of a timeout. */
  readonly name: string;
  readonly timeoutMs: number;
  readonly deadlines: Deadlines;
  /** Who wants to know when it takes its time, long before the timeout. */
  readonly slow?: { readonly afterMs: number; readonly told: (now: number) => void };
  /** Called exactly once, whatever the hook does; at once if the hook answers at once. */
  readonly done: (outcome: Outcome) => void;
}

/** Runs a hook that may throw, reject or never settle. */
export function callHook(hook: () => unknown, options: HookCallOptions): void {
  let result: unknown;
  let pending: Promise<unknown> | undefined;
  try {
    result = neutral(hook);
    if (isThenable(result)) pending = Promise.resolve(result);
  } catch (error) {
    options.done({ ok: false, error });
    return;
  }
  if (pending === undefined) {
    options.done({ ok: true, value: result });
    return;
  }
  const call = new HookCall(options);
  pending.then(
    (value) => call.settle({ ok: true, value }),
    (error: unknown) => call.settle({ ok: false, error }),
  );
}

class HookCall extends Deadline {
  readonly #options: HookCallOptions;
  readonly #endsAt: number;
  #settled = false;

  constructor(options: HookCallOptions) {
    super();
    this.#options = options;
    const now = performance.now();
    this.#endsAt = now + options.timeoutMs;
    const { slow, timeoutMs, deadlines } = options;
    const tellsFirst = slow !== undefined && slow.afterMs + 1 <= timeoutMs;
    deadlines.add(this, tellsFirst ? now + slow.afterMs : this.#endsAt, now);
  }

  override expire(now: number): void {
    const { name, timeoutMs, slow, deadlines } = this.#options;
    if (now < this.#endsAt) {
      deadlines.add(this, this.#endsAt, now);
      slow?.told(now);
    } else this.settle({ ok: false, error: hookTimeout(name, timeoutMs), timedOut: true });
  }

  settle(outcome: Outcome): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#options.deadlines.remove(this);
    this.#options.done(outcome);
  }
}

export function hookTimeout(name: string, timeoutMs: number): Error {
  const error = new Error(`${name}: no answer within ${timeoutMs} ms`);
  error.name = "TimeoutError";
  return error;
}

/** @throws what the value throws when it is asked for its `then` */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  const canHave = (typeof value === "object" && value !== null) || typeof value === "function";
  return canHave && "then" in value && typeof value.then === "function";
}
