import type { Call } from "./call.ts";
import { withEffect } from "./errors.ts";
import { expected } from "./options.ts";
import type { Fields } from "./value.ts";

/** A tenant: part of a queued write's lane and stored with it. */
export interface Scope {
  readonly namespace: string;
  readonly database: string;
  /**
   * Values that every statement of this scope can use by name, in queries and in the schema's own expressions. Names
   * start with a letter. They do not tell scopes apart: the same record is the same whatever they are. Default none.
   */
  readonly variables?: Fields;
}

/** What a layer may change for those below it. */
export interface ContextChange {
  readonly signal?: AbortSignal;
  readonly operationId?: string;
  readonly ledger?: boolean;
  readonly fingerprint?: string | undefined;
  readonly whenAway?: "wait" | "fail";
  readonly scope?: Scope | undefined;
  readonly attempt?: number;
  readonly origin?: "call" | "replay";
  readonly inTransaction?: boolean;
}

/** What goes with an operation from the façade to the driver. Never spread one: it has getters. */
export interface CallContext {
  /**
   * Fires on the caller's abort and at the deadline, with the `DatabaseError` as its reason. Once it fired nothing with
   * an effect is started. Made when first read: to look only, read `aborted`.
   */
  readonly signal: AbortSignal;
  /** `signal.aborted`, without making a signal. */
  readonly aborted: boolean;
  /** On the `performance.now()` scale. */
  readonly deadline: number;
  /** One per logical call: the same for every attempt and replay. */
  readonly operationId: string;
  /** Asks the driver for a ledger row; set before the first attempt by a layer that may replay. */
  readonly ledger: boolean;
  /** What the ledger row holds beside the operation id, to know the same write again; see `WriteOptions`. */
  readonly fingerprint: string | undefined;
  /** `fail`: do not wait for a connection. */
  readonly whenAway: "wait" | "fail";
  /** The tenant; undefined for what the driver was configured with. */
  readonly scope: Scope | undefined;
  /** 1 for the first. */
  readonly attempt: number;
  /** A replay comes from a queue, which has a back-off of its own: retry passes it once. */
  readonly origin: "call" | "replay";
  /** True inside the `work` of a transaction, for the driver's messages. */
  readonly inTransaction: boolean;
  /** The same call with other facts, for those below. What is not named stays. */
  with(change: ContextChange): CallContext;
  /**
   * Runs `work` with limits of its own inside the call's. When they say so its signal fires, with QUERY_TIMEOUT or
   * CANCELLED; the promise is the work's own, which ends then because it listens.
   */
  within<T>(limits: InnerLimits, work: (context: CallContext) => Promise<T>): Promise<T>;
}

/** Limits inside those of a call. */
export interface InnerLimits {
  /** A later deadline than the call's own changes nothing. Default: the call's. */
  readonly timeoutMs?: number | undefined;
  /** Ends the work with CANCELLED, beside the call's own. Default none. */
  readonly signal?: AbortSignal | undefined;
  /** Default: the call's. */
  readonly operationId?: string | undefined;
}

export class Context implements CallContext {
  readonly #call: Call;
  readonly #facts: ContextChange;

  constructor(call: Call, facts: ContextChange) {
    this.#call = call;
    this.#facts = facts;
  }

  get signal(): AbortSignal {
    return this.#facts.signal ?? this.#call.signal;
  }
  get aborted(): boolean {
    return this.#facts.signal?.aborted ?? this.#call.reason !== undefined;
  }
  get deadline(): number {
    return this.#call.deadline;
  }
  get operationId(): string {
    return this.#facts.operationId ?? this.#call.operationId;
  }
  get ledger(): boolean {
    return this.#facts.ledger ?? false;
  }
  get fingerprint(): string | undefined {
    return this.#facts.fingerprint;
  }
  get whenAway(): "wait" | "fail" {
    return this.#facts.whenAway ?? "wait";
  }
  get scope(): Scope | undefined {
    return this.#facts.scope;
  }
  get attempt(): number {
    return this.#facts.attempt ?? 1;
  }
  get origin(): "call" | "replay" {
    return this.#facts.origin ?? "call";
  }
  get inTransaction(): boolean {
    return this.#facts.inTransaction ?? false;
  }

  with(change: ContextChange): CallContext {
    return new Context(this.#call, { ...this.#facts, ...change });
  }

  within<T>(limits: InnerLimits, work: (context: CallContext) => Promise<T>): Promise<T> {
    const { timeoutMs, signal, operationId } = limits;
    if (timeoutMs !== undefined && !(typeof timeoutMs === "number" && !Number.isNaN(timeoutMs)))
      return Promise.reject(expected("timeoutMs", "a number of milliseconds", timeoutMs));
    const remainingMs = this.deadline - performance.now();
    const sooner = timeoutMs !== undefined && timeoutMs < remainingMs;
    if (!sooner && signal === undefined) return work(operationId === undefined ? this : this.with({ operationId }));
    const outer = this.#facts.signal;
    const inner = this.#call.inner(
      sooner ? timeoutMs : Math.max(1, remainingMs),
      either(signal, outer),
      operationId ?? this.#facts.operationId,
    );
    const facts = outer === undefined && operationId === undefined ? this.#facts : withoutCall(this.#facts);
    inner.begin();
    if (inner.reason !== undefined) {
      inner.end();
      return Promise.reject(withEffect(inner.reason, "none"));
    }
    try {
      return work(new Context(inner, facts)).then(
        (value) => {
          inner.end();
          return value;
        },
        (error: unknown) => {
          inner.end();
          throw error;
        },
      );
    } catch (thrown) {
      // Work that throws at once, or gives no promise, must not stay behind in the timer.
      inner.end();
      return Promise.reject(thrown);
    }
  }
}

/** The facts that the call below does not hold itself. */
function withoutCall({ signal: _signal, operationId: _operationId, ...facts }: ContextChange): ContextChange {
  return facts;
}

function either(a: AbortSignal | undefined, b: AbortSignal | undefined): AbortSignal | undefined {
  return a === undefined || b === undefined ? (a ?? b) : AbortSignal.any([a, b]);
}
