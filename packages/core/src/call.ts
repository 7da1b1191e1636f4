import { uuidv7 } from "uuidv7";
import { DeadlineEntry, type DeadlineTimer } from "./deadline.ts";
import { type DatabaseError, DatabaseErrorOf, type Effect, withEffect } from "./errors.ts";

/**
 * How long work may still take once its signal has fired, to say itself what became of the data. Then the call ends
 * without it: a layer or driver that ignores the signal must not hang its caller.
 */
const GRACE_MS = 100;

export interface CallLimits {
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  /** What may have happened to the data when the work never says so. */
  readonly lost: Effect;
  /** Called once, when the call has ended. */
  readonly onEnd?: () => void;
}

/**
 * One piece of work with an end: a call, an attempt of it, a statement of a transaction. It ends when the work does,
 * when its own limits say so, or when the call around it ends. The `AbortSignal` is made when it is first asked for:
 * one costs more than all else here together.
 */
export class Call extends DeadlineEntry {
  readonly #timer: DeadlineTimer;
  readonly #limits: CallLimits;
  readonly #parent: Call | undefined;
  #operationId: string | undefined;
  #reason: DatabaseError | undefined;
  #controller: AbortController | undefined;
  #children: Set<Call> | undefined;
  #ended = false;
  #giveUp: ((reason: DatabaseError) => void) | undefined;

  constructor(timer: DeadlineTimer, limits: CallLimits, operationId: string | undefined, parent?: Call) {
    super();
    this.#timer = timer;
    this.#limits = limits;
    this.#operationId = operationId;
    this.#parent = parent;
  }

  /** That of the call around it unless it was given one; time-ordered, made when first asked for. */
  get operationId(): string {
    this.#operationId ??= this.#parent?.operationId ?? uuidv7();
    return this.#operationId;
  }

  /** Why the work has to end; undefined while it may go on. */
  get reason(): DatabaseError | undefined {
    return this.#reason ?? this.#parent?.reason;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      const { reason } = this;
      if (reason !== undefined) this.#controller.abort(reason);
      else this.#parent?.adopt(this);
    }
    return this.#controller.signal;
  }

  /** A call inside this one, on the same timer. */
  inner(limits: CallLimits, operationId?: string): Call {
    return new Call(this.#timer, limits, operationId, this);
  }

  /** @param mapError what the caller gets for what the work threw */
  run<T>(work: () => Promise<T>, mapError?: (thrown: unknown) => unknown): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#giveUp = reject;
      this.#timer.add(this, this.#limits.timeoutMs);
      const { signal } = this.#limits;
      if (signal?.aborted === true) this.handleEvent();
      else signal?.addEventListener("abort", this);
      const fail = (thrown: unknown): void => {
        this.#end();
        reject(mapError === undefined ? thrown : mapError(thrown));
      };
      const { reason } = this;
      if (reason !== undefined) return fail(reason);
      try {
        work().then((value) => {
          this.#end();
          resolve(value);
        }, fail);
      } catch (thrown) {
        fail(thrown);
      }
    });
  }

  /** Ends the work, as far as it listens. */
  stop(reason: DatabaseError): void {
    if (this.#ended || this.#reason !== undefined) return;
    this.#reason = reason;
    this.#timer.remove(this);
    this.#timer.add(this, GRACE_MS);
    for (const child of this.#children ?? []) child.stop(reason);
    this.#controller?.abort(reason);
  }

  /** The deadline has passed; or, once stopped, the grace. */
  expire(): void {
    if (this.#reason === undefined) {
      const { timeoutMs } = this.#limits;
      this.stop(new DatabaseErrorOf("QUERY_TIMEOUT", `no answer within ${timeoutMs} ms`, { timeoutMs }));
    } else {
      const reason = this.#reason;
      this.#end();
      this.#giveUp?.(withEffect(reason, this.#limits.lost));
    }
  }

  /** The caller's signal has fired. */
  handleEvent(): void {
    this.stop(
      new DatabaseErrorOf("CANCELLED", "cancelled by the caller's signal", {}, { cause: this.#limits.signal?.reason }),
    );
  }

  adopt(child: Call): void {
    this.#children ??= new Set();
    this.#children.add(child);
    // Only one that listens can pass it on.
    if (this.#children.size === 1 && this.#reason === undefined) this.#parent?.adopt(this);
  }

  /** Once: the work may settle after the grace has ended the call. */
  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#timer.remove(this);
    this.#limits.signal?.removeEventListener("abort", this);
    this.#parent?.leave(this);
    this.#limits.onEnd?.();
  }

  leave(child: Call): void {
    this.#children?.delete(child);
  }
}
