import {
  type CallContext,
  DatabaseErrorOf,
  type DriverTransaction,
  type Handlers,
  isDatabaseError,
  isWrite,
  type Operation,
  type StatementKind,
  seen,
  untilInterrupted,
} from "@db/core";
import { classify } from "./errors.ts";
import { createHandlers, type WriteLocks } from "./handlers.ts";
import type { Ledger } from "./ledger.ts";
import type { Session } from "./session.ts";
import type { Release } from "./turnstile.ts";

const FREE: Release = () => {};
/** A transaction has what it needs: its statements follow one another, and its conflicts show at the commit. */
const NO_LOCKS: WriteLocks = {
  create: () => Promise.resolve(FREE),
  created: () => {},
  record: () => Promise.resolve(FREE),
  unknown: () => Promise.resolve(FREE),
  operation: () => Promise.resolve(FREE),
  define: () => Promise.resolve(FREE),
};

/** The database's end of a transaction. */
export interface TransactionTarget {
  /** Runs statements inside it. */
  readonly session: Session;
  /** Resolves when no statement of it is being worked on, also none that nobody waits for. */
  idle(): Promise<void>;
  /** @throws DatabaseError */
  commit(context: CallContext): Promise<void>;
  /** Undoes it. Resolves when nothing is left of it; an error that says that it has ended already is none. */
  cancel(): Promise<void>;
}

/** What others hear of its end. */
export interface TransactionHooks {
  /** Others may write what it has written. */
  readonly release: Release;
  /** Writes of it are committed, or may be. */
  readonly onWritten: () => void;
}

/**
 * A transaction of the engine. Its statements run one after another (on `surrealkv` concurrent ones lose updates), and
 * one that failed half-way dooms it: the engine would commit what that one left behind.
 */
export class OpenTransaction implements DriverTransaction {
  readonly statements: Handlers<StatementKind>;
  readonly #target: TransactionTarget;
  readonly #hooks: TransactionHooks;
  #last: Promise<unknown> = Promise.resolve();
  #doom: unknown;
  #committed = false;
  #hasWritten = false;

  constructor(target: TransactionTarget, ledger: Ledger, hooks: TransactionHooks) {
    this.#target = target;
    this.#hooks = hooks;
    const handlers = createHandlers(target.session, NO_LOCKS, ledger);
    const inTurn = <K extends StatementKind>(kind: K): Handlers<StatementKind>[K] =>
      ((operation, context) =>
        this.#inTurn(seen(operation), context, () =>
          handlers[kind](operation as never, context),
        )) as Handlers<StatementKind>[K];
    this.statements = {
      create: inTurn("create"),
      read: inTurn("read"),
      update: inTurn("update"),
      delete: inTurn("delete"),
      find: inTurn("find"),
      count: inTurn("count"),
      query: inTurn("query"),
    };
  }

  async commit(context: CallContext): Promise<void> {
    await this.#last;
    if (this.#doom !== undefined) throw doomed(this.#doom);
    try {
      await this.#target.commit(context);
    } catch (error) {
      if (!isDatabaseError(error) || error.code !== "INTERNAL") throw error;
      const { effect, cause } = error;
      throw new DatabaseErrorOf(
        "TRANSACTION_FAILED",
        "the commit failed; see cause",
        { phase: "commit" },
        { effect, cause },
      );
    } finally {
      if (this.#hasWritten) this.#hooks.onWritten();
    }
    this.#committed = true;
    this.#hooks.release();
  }

  /** Waits for what the engine is still doing: only then is nothing left of it, and others may write. */
  async rollback(context: CallContext): Promise<void> {
    if (this.#committed) return;
    const cancelled = this.#last
      .then(() => this.#target.idle())
      .then(() => this.#target.cancel())
      .catch(ignoreEnded)
      .finally(this.#hooks.release);
    await untilInterrupted(cancelled, context, "none");
  }

  async #inTurn<T>(operation: Operation, context: CallContext, run: () => Promise<T>): Promise<T> {
    const before = this.#last;
    const turn = Promise.withResolvers<void>();
    this.#last = before.then(() => turn.promise);
    try {
      // One whose time runs out in the line was never sent.
      await untilInterrupted(
        before.then(() => this.#target.idle()),
        context,
        "none",
      );
      if (isWrite(operation)) this.#hasWritten = true;
      return await run().catch((error: unknown) => {
        if (leavesTraces(operation, error)) this.#doom = error;
        throw error;
      });
    } finally {
      turn.resolve();
    }
  }
}

/**
 * Whether a failed statement may have left something behind in the transaction: the engine (3.0.2) does not undo it there.
 * Refusals of ours were decided before anything was changed; of a caller's own text nobody knows.
 */
function leavesTraces(operation: Operation, error: unknown): boolean {
  if (!isWrite(operation)) return false;
  if (operation.kind === "query" || !isDatabaseError(error)) return true;
  switch (error.code) {
    case "NOT_FOUND":
    case "PRECONDITION_FAILED":
    case "VALIDATION_FAILED":
      return false;
    case "ALREADY_EXISTS":
      return operation.kind !== "create";
    case "FIELD_VIOLATION":
      return error.cause !== undefined;
    default:
      return true;
  }
}

function doomed(cause: unknown): unknown {
  if (isDatabaseError(cause) && cause.code === "CONFLICT") return cause;
  const message = "a statement had failed half-way, so the transaction cannot be committed";
  return new DatabaseErrorOf("TRANSACTION_FAILED", message, { phase: "commit" }, { retryable: false, cause });
}

/** A commit that failed has ended the transaction already. */
function ignoreEnded(error: unknown): void {
  if (classify(error, { effect: "none" }).code !== "TRANSACTION_ROLLED_BACK") throw error;
}
