import { AsyncLocalStorage } from "node:async_hooks";
import { uuidv7 } from "uuidv7";
import { publishRollbackFailure } from "./channels.ts";
import type { CallContext } from "./context.ts";
import type { Driver, DriverTransaction } from "./driver.ts";
import {
  type DatabaseError,
  DatabaseErrorOf,
  type Effect,
  isDatabaseError,
  toDatabaseError,
  unsupported,
  withEffect,
} from "./errors.ts";
import { interrupted, untilInterrupted } from "./interrupt.ts";
import { isWrite, type OperationOf, type ResultOf, type StatementKind } from "./operation.ts";
import { runCall } from "./run-call.ts";
import { OperationBuilder, type StatementOptions } from "./statements.ts";
import type { Owns } from "./value.ts";

/** A rollback gets time of its own: the call's may be what ran out. */
const ROLLBACK_TIMEOUT_MS = 5_000;
const MAX_BACKOFF_MS = 250;

/** The `tx` that `work` gets. */
class Transaction extends OperationBuilder {
  readonly #driver: Driver;
  readonly #handle: DriverTransaction;
  readonly #context: CallContext;
  #ended = false;
  #running = 0;

  constructor(driver: Driver, handle: DriverTransaction, context: CallContext) {
    super();
    this.#driver = driver;
    this.#handle = handle;
    this.#context = context;
  }

  protected override get ownsValue(): Owns {
    const { ownsValue } = this.#driver;
    return ownsValue === undefined ? undefined : (value) => ownsValue.call(this.#driver, value);
  }

  get running(): number {
    return this.#running;
  }

  /** From here on every statement is refused. */
  end(): void {
    this.#ended = true;
  }

  protected override async run<K extends StatementKind>(
    operation: OperationOf<K>,
    { timeoutMs, signal, operationId = uuidv7(), fingerprint }: StatementOptions,
  ): Promise<ResultOf<K>> {
    if (this.#ended) throw new DatabaseErrorOf("TRANSACTION_ROLLED_BACK", "the transaction has ended", {});
    if (this.#context.aborted) throw interrupted(this.#context, "none");
    const { name, capabilities } = this.#driver;
    if (fingerprint !== undefined && !capabilities.idempotentWrites) throw unsupported(`a ledger on ${name}`);
    const around = fingerprint === undefined ? this.#context : this.#context.with({ fingerprint, ledger: true });
    this.#running += 1;
    try {
      return await around.within({ timeoutMs, signal, operationId }, (context) =>
        this.#handle.statements[operation.kind](operation, context),
      );
    } catch (error) {
      // What a statement leaves behind is undone with its transaction: nothing is unknown before the commit.
      throw withEffect(toDatabaseError(error, "none"), "none");
    } finally {
      this.#running -= 1;
    }
  }
}

/** The service a transaction belongs to. */
export interface TransactionHost {
  /** Those that nobody waits for any more; the driver is closed after them. */
  readonly rollbacks: Set<Promise<void>>;
}

/** Which service's `work` the current code runs in. */
interface Inside {
  readonly service: TransactionHost;
  open: boolean;
  /** A transaction of another service may stand inside one of ours. */
  readonly outer: Inside | undefined;
}
const inside = new AsyncLocalStorage<Inside>();

/** True for code that runs inside the `work` of a transaction of this service that has not ended. */
export function isInsideTransaction(service: TransactionHost): boolean {
  for (let store = inside.getStore(); store !== undefined; store = store.outer)
    if (store.open && store.service === service) return true;
  return false;
}

/** Runs one transaction to its end: begin, work, commit; a rollback on every other path; again after a CONFLICT. */
export async function runTransaction(
  service: TransactionHost,
  driver: Driver,
  operation: OperationOf<"transaction">,
  context: CallContext,
): Promise<void> {
  const { maxAttempts = 1 } = operation.options;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await attemptTransaction(service, driver, operation, context);
    } catch (error) {
      const again =
        isDatabaseError(error) && error.code === "CONFLICT" && error.effect === "none" && attempt < maxAttempts;
      if (!again || context.aborted) throw error;
      await backOff(attempt, context);
    }
  }
}

async function attemptTransaction(
  service: TransactionHost,
  driver: Driver,
  { work, options }: OperationOf<"transaction">,
  context: CallContext,
): Promise<void> {
  if (context.aborted) throw interrupted(context, "none");
  const within = context.with({ inTransaction: true });
  const handle = await orDatabaseError("none", () => driver.begin(options, within));
  const tx = new Transaction(driver, handle, within);
  const here: Inside = { service, open: true, outer: inside.getStore() };
  try {
    // A driver that does not listen may begin long after the call has ended.
    if (context.aborted) throw interrupted(context, "none");
    await untilInterrupted(
      inside.run(here, async () => work(tx)),
      context,
      "none",
    );
    here.open = false;
    tx.end();
    if (tx.running > 0) throw floating(tx.running);
    if (context.aborted) throw interrupted(context, "none");
    await orDatabaseError("unknown", () => handle.commit(context));
  } catch (error) {
    here.open = false;
    tx.end();
    const rolledBack = rollBack(handle, context);
    // A caller whose time is up learns at once that nothing was committed; the driver keeps others out until it is undone.
    if (context.aborted) keepUntilDone(service.rollbacks, rolledBack);
    else await rolledBack;
    throw error;
  }
}

function keepUntilDone(rollbacks: Set<Promise<void>>, rolledBack: Promise<void>): void {
  const kept = rolledBack.finally(() => rollbacks.delete(kept));
  rollbacks.add(kept);
}

/** Only the work's own error goes back to the caller as it is. */
async function orDatabaseError<T>(effect: Effect, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (thrown) {
    throw toDatabaseError(thrown, effect);
  }
}

function floating(count: number): DatabaseError {
  const message = `work resolved while ${count} of its statements were still running: await every statement`;
  return new DatabaseErrorOf("TRANSACTION_ROLLED_BACK", message, {});
}

/** The error that led here is what the caller gets; a rollback that fails as well is published beside it. */
async function rollBack(handle: DriverTransaction, { scope }: CallContext): Promise<void> {
  try {
    await runCall({ timeoutMs: ROLLBACK_TIMEOUT_MS, scope }, (context) => handle.rollback(context));
  } catch (error) {
    publishRollbackFailure(toDatabaseError(error, "none"));
  }
}

/** A few milliseconds, jittered, doubling: the other side of a conflict is usually about to be done. */
async function backOff(attempt: number, context: CallContext): Promise<void> {
  const ceiling = Math.min(MAX_BACKOFF_MS, 5 * 2 ** attempt);
  let timer: NodeJS.Timeout | undefined;
  const wait = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.random() * ceiling);
  });
  await untilInterrupted(wait, context, "none").finally(() => clearTimeout(timer));
}

/** Why a call on the service is refused inside `work`, if it is. */
export function refusalInside(operation: OperationOf<StatementKind | "transaction">): DatabaseError | undefined {
  if (operation.kind === "transaction") {
    return new DatabaseErrorOf("UNSUPPORTED", "a transaction inside a transaction is not supported here", {
      feature: "nested transactions",
    });
  }
  if (!isWrite(operation)) return undefined;
  const message = `${operation.kind} on the service inside a transaction's work would wait for that transaction: call it on tx`;
  return new DatabaseErrorOf("UNSUPPORTED", message, { feature: "a write beside the transaction it stands in" });
}
