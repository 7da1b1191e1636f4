import { DeadlineEntry, type DeadlineTimer } from "./deadline.ts";
import { type DatabaseError, DatabaseErrorOf, type Effect, withEffect } from "./errors.ts";
import { newUuid } from "./uuid.ts";

/**
 * One piece of work with an end: a call, an attempt of it, a statement of a transaction. Its signal fires when its own
 * limits say so or when the call around it ends. The `AbortSignal` is made when it is first asked for: one costs more
 * than all else here together.
 */
export class Call extends DeadlineEntry {
  protected readonly timer: DeadlineTimer;
  /** What may have happened to the data when the work never says so. */
  protected readonly lost: Effect;
  readonly #timeoutMs: number;
  readonly #callerSignal: AbortSignal | undefined;
  readonly #parent: Call | undefined;
  #operationId: string | undefined;
  #reason: DatabaseError | undefined;
  #controller: AbortController | undefined;
  /** Calls inside this one. There is hardly ever more than one at a time, and a set costs more than a call. */
  #child: Call | undefined;
  #children: Set<Call> | undefined;

  constructor(
    timer: DeadlineTimer,
    timeoutMs: number,
    callerSignal: AbortSignal | undefined,
    operationId: string | undefined,
    lost: Effect,
    parent?: Call,
  ) {
    super();
    this.timer = timer;
    this.lost = lost;
    this.#timeoutMs = timeoutMs;
    this.#callerSignal = callerSignal;
    this.#operationId = operationId;
    this.#parent = parent;
  }

  /** That of the call around it unless it was given one; time-ordered, made when first asked for. */
  get operationId(): string {
    this.#operationId ??= this.#parent?.operationId ?? newUuid();
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
  inner(timeoutMs: number, callerSignal?: AbortSignal, operationId?: string): Call {
    return new Call(this.timer, timeoutMs, callerSignal, operationId, this.lost, this);
  }

  begin(): void {
    this.timer.add(this, this.#timeoutMs);
    // Whether it is listened to or not: work that never settles must not stay in the timer once nobody waits for it.
    this.#parent?.adopt(this);
    const signal = this.#callerSignal;
    if (signal === undefined) return;
    if (signal.aborted) this.handleEvent();
    else signal.addEventListener("abort", this);
  }

  /** To be called once the work has settled. */
  end(): void {
    this.timer.remove(this);
    this.#callerSignal?.removeEventListener("abort", this);
    this.#parent?.leave(this);
  }

  /**
   * Ends the work, as far as it listens. Only the first reason counts. It tells the effect of work that never says: many
   * pass the reason of a signal on as their own error, and that must not claim that nothing happened.
   */
  stop(cause: DatabaseError): void {
    if (this.#reason !== undefined) return;
    const reason = withEffect(cause, this.lost);
    this.#reason = reason;
    this.timer.remove(this);
    // Not left to `end`: work that never settles must leave nothing on a signal that lives on.
    this.#callerSignal?.removeEventListener("abort", this);
    this.#child?.stop(reason);
    for (const child of this.#children ?? []) child.stop(reason);
    this.#controller?.abort(reason);
  }

  override expire(): void {
    const timeoutMs = this.#timeoutMs;
    this.stop(new DatabaseErrorOf("QUERY_TIMEOUT", `no answer within ${timeoutMs} ms`, { timeoutMs }));
  }

  /** The caller's signal has fired. */
  handleEvent(): void {
    const cause: unknown = this.#callerSignal?.reason;
    this.stop(new DatabaseErrorOf("CANCELLED", "cancelled by the caller's signal", {}, { cause }));
  }

  private adopt(child: Call): void {
    if (this.#child === undefined || this.#child === child) this.#child = child;
    else {
      this.#children ??= new Set();
      this.#children.add(child);
    }
  }

  private leave(child: Call): void {
    if (this.#child === child) this.#child = undefined;
    this.#children?.delete(child);
  }
}
