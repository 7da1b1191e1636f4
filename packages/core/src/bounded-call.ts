import { Call } from "./call.ts";
import type { DeadlineTimer } from "./deadline.ts";
import { type DatabaseError, type Effect, withEffect } from "./errors.ts";

/**
 * How long work may still take once its signal has fired, to say itself what became of the data. Then the call ends
 * without it: a layer or driver that ignores the signal must not hang its caller.
 */
export const GRACE_MS: number = 100;

/** The call at the façade: it ends in bounded time whatever becomes of the work. */
export class BoundedCall extends Call {
  readonly #onEnd: (() => void) | undefined;
  #reject: ((reason: DatabaseError) => void) | undefined;

  constructor(
    timer: DeadlineTimer,
    timeoutMs: number,
    callerSignal: AbortSignal | undefined,
    operationId: string | undefined,
    lost: Effect,
    onEnd?: () => void,
  ) {
    super(timer, timeoutMs, callerSignal, operationId, lost);
    this.#onEnd = onEnd;
  }

  /** @param mapError what the caller gets for what the work threw */
  run<T>(work: () => Promise<T>, mapError?: (thrown: unknown) => unknown): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const fail = (thrown: unknown): void => {
      this.end();
      reject(mapError === undefined ? thrown : mapError(thrown));
    };
    this.#reject = reject;
    this.begin();
    const { reason } = this;
    try {
      if (reason !== undefined) fail(withEffect(reason, "none"));
      else
        work().then((value) => {
          this.end();
          resolve(value);
        }, fail);
    } catch (thrown) {
      fail(thrown);
    }
    return promise;
  }

  override stop(reason: DatabaseError): void {
    if (this.reason !== undefined) return;
    super.stop(reason);
    this.timer.add(this, GRACE_MS);
  }

  /** The deadline has passed; or, once stopped, the grace. */
  override expire(): void {
    const { reason } = this;
    if (reason === undefined) super.expire();
    else {
      const reject = this.#reject;
      this.end();
      reject?.(reason);
    }
  }

  /** Once: the work may still settle after the grace has ended the call. */
  override end(): void {
    if (this.#reject === undefined) return;
    this.#reject = undefined;
    super.end();
    this.#onEnd?.();
  }
}
