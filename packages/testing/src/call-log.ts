import type { CallContext, OperationOf, Scope, StatementKind } from "@db/core";

/** What a driver can be called for. */
export type MockCallKind =
  | StatementKind
  | "begin"
  | "commit"
  | "rollback"
  | "connect"
  | "disconnect"
  | "ping"
  | "version"
  | "wasApplied";

/** One call of the driver, as it was made and as it ended. */
export interface MockCall {
  readonly kind: MockCallKind;
  /** The statement; undefined for all other kinds. */
  readonly operation: OperationOf<StatementKind> | undefined;
  readonly operationId: string;
  readonly attempt: number;
  readonly origin: "call" | "replay";
  readonly ledger: boolean;
  readonly whenAway: "wait" | "fail";
  readonly scope: Scope | undefined;
  readonly inTransaction: boolean;
  readonly outcome: "running" | "done" | "failed";
  /** What it rejected with, if it failed. */
  readonly error: unknown;
}

export interface CallEnding {
  done(): void;
  failed(error: unknown): void;
}

/** The last calls, oldest first. */
export class CallLog {
  readonly #limit: number;
  #calls: MockCall[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  get calls(): readonly MockCall[] {
    return this.#calls.slice(-this.#limit);
  }

  clear(): void {
    this.#calls = [];
  }

  add(
    kind: MockCallKind,
    operation: OperationOf<StatementKind> | undefined,
    context: CallContext,
  ): { readonly call: MockCall; readonly ending: CallEnding } {
    const { operationId, attempt, origin, ledger, whenAway, scope, inTransaction } = context;
    const facts = { operationId, attempt, origin, ledger, whenAway, scope, inTransaction };
    const call: { -readonly [K in keyof MockCall]: MockCall[K] } = {
      kind,
      operation,
      ...facts,
      outcome: "running",
      error: undefined,
    };
    this.#calls.push(call);
    // Cut rarely: taking one off the front for each call would move the whole array each time.
    if (this.#calls.length > 2 * this.#limit) this.#calls = this.#calls.slice(-this.#limit);
    const ending = {
      done: () => {
        call.outcome = "done";
      },
      failed: (error: unknown) => {
        call.outcome = "failed";
        call.error = error;
      },
    };
    return { call, ending };
  }
}
