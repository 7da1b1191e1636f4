import { AsyncLocalStorage } from "node:async_hooks";
import { DeadlineEntry, deadlines } from "./deadline.ts";
import { RetryTimeoutError } from "./errors.ts";

/** What the function gets that is tried. */
export interface Attempt {
  /** 1 for the first. */
  readonly attempt: number;
  /**
   * Fires when the attempt has to end: with the caller's reason, or with `RetryTimeoutError`. Made when first read, which
   * costs more than all else here together: leave it alone where you have no use for it.
   */
  readonly signal: AbortSignal;
  /** What is left for the attempt, in milliseconds; `Infinity` where no time is set. */
  readonly remainingMs: number;
}

/** Without a limit there is nothing to watch. */
export class FreeAttempt implements Attempt {
  readonly attempt: number;
  #signal: AbortSignal | undefined;

  constructor(attempt: number) {
    this.attempt = attempt;
  }

  get signal(): AbortSignal {
    this.#signal ??= new AbortController().signal;
    return this.#signal;
  }

  get remainingMs(): number {
    return Number.POSITIVE_INFINITY;
  }
}

/** What an attempt knows of its call. */
export interface AttemptLimits {
  /** The caller's own signal. */
  readonly signal: AbortSignal | undefined;
  readonly remainingMs: number;
  /** Whether attempts may be cut off by time, and so need a signal of their own. */
  readonly timed: boolean;
  /** Of the attempt before. */
  readonly cause: { readonly cause?: unknown };
}

/** One attempt that can be cut off: whether it listens or not, its promise settles then. */
export class LimitedAttempt<T> extends DeadlineEntry implements Attempt {
  readonly attempt: number;
  readonly #limits: AttemptLimits;
  readonly #timeoutMs: number;
  #controller: AbortController | undefined;
  /** Where the signal was asked for: the timer that fires it may have been set by another call. */
  #inContext: (<R>(run: () => R) => R) | undefined;
  #reject: ((error: unknown) => void) | undefined;
  #stopped: { readonly error: unknown } | undefined;

  constructor(attempt: number, limits: AttemptLimits, timeoutMs: number) {
    super();
    this.attempt = attempt;
    this.#limits = limits;
    this.#timeoutMs = timeoutMs;
  }

  get signal(): AbortSignal {
    const { signal, timed } = this.#limits;
    if (signal !== undefined && !timed) return signal;
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      this.#inContext = AsyncLocalStorage.snapshot();
      if (this.#stopped !== undefined) this.#controller.abort(this.#stopped.error);
    }
    return this.#controller.signal;
  }

  get remainingMs(): number {
    return Math.max(0, Math.min(this.#limits.remainingMs, this.deadline - performance.now()));
  }

  run(fn: (attempt: Attempt) => T | PromiseLike<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#reject = reject;
      if (this.#timeoutMs !== Number.POSITIVE_INFINITY) deadlines.add(this, this.#timeoutMs);
      const fail = (error: unknown): void => {
        this.#leave();
        reject(error);
      };
      try {
        Promise.resolve(fn(this)).then((value) => {
          this.#leave();
          resolve(value);
        }, fail);
      } catch (thrown) {
        fail(thrown);
      }
    });
  }

  /** Ends the attempt; nothing if it has ended. What comes of it later is dropped. */
  stop(error: unknown): void {
    const reject = this.#reject;
    if (reject === undefined) return;
    this.#leave();
    this.#stopped = { error };
    reject(error);
    this.#inContext?.(() => this.#controller?.abort(error));
  }

  override expire(): void {
    this.stop(new RetryTimeoutError("attempt", this.#timeoutMs, this.#limits.cause));
  }

  #leave(): void {
    this.#reject = undefined;
    deadlines.remove(this);
  }
}
