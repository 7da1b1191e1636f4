import { Deadline, type Deadlines } from "./deadlines.ts";
import { neutral } from "./neutral.ts";

type Outcome = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: unknown };

interface HookCallOptions {
  /** For the message of a timeout. */
  readonly name: string;
  readonly timeoutMs: number;
  readonly deadlines: Deadlines;
  /** Called exactly once, whatever the hook does; at once if the hook answers at once. */
  readonly done: (outcome: Outcome) => void;
}

/** Runs a hook that may throw, reject or never settle. */
export function callHook(hook: () => unknown, options: HookCallOptions): void {
  let result: unknown;
  try {
    result = neutral(hook);
  } catch (error) {
    options.done({ ok: false, error });
    return;
  }
  if (!isThenable(result)) {
    options.done({ ok: true, value: result });
    return;
  }
  const call = new HookCall(options);
  Promise.resolve(result).then(
    (value) => call.settle({ ok: true, value }),
    (error: unknown) => call.settle({ ok: false, error }),
  );
}

class HookCall extends Deadline {
  readonly #options: HookCallOptions;
  #settled = false;

  constructor(options: HookCallOptions) {
    super();
    this.#options = options;
    const now = performance.now();
    options.deadlines.add(this, now + options.timeoutMs, now);
  }

  override expire(): void {
    const { name, timeoutMs } = this.#options;
    this.settle({ ok: false, error: hookTimeout(name, timeoutMs) });
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

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
