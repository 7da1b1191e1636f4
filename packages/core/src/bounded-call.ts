import { Call } from "./call.ts";
import type { DeadlineTimer } from "./deadline.ts";
import { type DatabaseError, type Effect, withEffect } from "./errors.ts";
import type { InFlight } from "./in-flight.ts";

/**
 * How long work may still take once its signal has fired, to say itself what became of the data. Then the call ends
 * without it: a layer or driver that ignores the signal must not hang its caller.
 */
export const GRACE_MS: number = 100;

/** The call at the façade: it ends in bounded time whatever becomes of the work. */
export class BoundedCall extends Call {
  readonly #inFlight: InFlight | undefined;
  #reject: ((reason: DatabaseError) => void) | undefined;

  constructor(
    timer: DeadlineTimer,
    timeoutMs: number,
    callerSignal: AbortSignal | undefined,
    operationId: string | undefined,
    lost: Effect,
    inFlight?: InFlight,
  ) {
    super(timer, timeoutMs, callerSignal, operationId, lost);
    this.#inFlight = inFlight;
  }

  /** @param mapError what the caller gets for what the work threw */
  run<T>(work: () => Promise<T>, mapError?: (thrown: unknown) => unknown): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const fail = (thrown: unknown): void => {
      this.end();
      reject(mapError === undefined ? thrown : mapError(thrown));
    };
    this.#reject = reject;
    this.#inFlight?.begin();
    this.begin();
    const { reason } = this;
    try {
      if (reason !== undefined) fail(withEffect(reason, "none"));
      else
        settling(work()).then((value) => {
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
    this.#inFlight?.end();
  }
}

/** Any other thenable may answer with a promise that never settles: it is followed to its end, and the call ends without it. */
export function settling<T>(work: Promise<T>): Promise<T> {
  if (work instanceof Promise) return work;
  if (typeof (work as PromiseLike<T> | undefined)?.then === "function") return Promise.resolve(work);
  throw new TypeError("expected a promise");
}
