import { AsyncLocalStorage } from "node:async_hooks";
import { GRACE_MS, settling } from "./bounded-call.ts";
import { publishRollbackFailure } from "./channels.ts";
import type { CallContext } from "./context.ts";
import type { Driver, DriverTransaction } from "./driver.ts";
import {
  type DatabaseError,
  DatabaseErrorOf,
  isDatabaseError,
  toDatabaseError,
  unsupported,
  withEffect,
} from "./errors.ts";
import { interrupted, untilGrace, untilInterrupted } from "./interrupt.ts";
import { isWrite, type OperationOf, type ResultOf, type StatementKind, seen } from "./operation.ts";
import { runCall } from "./run-call.ts";
import type { TransactionOptions } from "./service.ts";
import { OperationBuilder, type StatementOptions } from "./statements.ts";
import { newUuid } from "./uuid.ts";
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
  #isDoubtful = false;

  constructor(driver: Driver, handle: DriverTransaction, context: CallContext) {
    super();
    this.#driver = driver;
    this.#handle = handle;
    this.#context = context;
  }

  protected override get ownsValue(): Owns {
    const { ownsValue } = this.#driver;
    return ownsValue === undefined ? undefined : (value) => isOwned(this.#driver, value);
  }

  /** Why it must not be committed, if it must not. */
  get refusal(): DatabaseError | undefined {
    if (this.#running > 0) return floating(this.#running);
    if (!this.#isDoubtful) return undefined;
    return new DatabaseErrorOf("TRANSACTION_ROLLED_BACK", "whether one of its writes was done is not known", {});
  }

  /** From here on every statement is refused. */
  end(): void {
    this.#ended = true;
  }

  protected override async run<K extends StatementKind>(
    operation: OperationOf<K>,
    { timeoutMs, signal, operationId = newUuid(), fingerprint }: StatementOptions,
  ): Promise<ResultOf<K>> {
    if (this.#ended) throw new DatabaseErrorOf("TRANSACTION_ROLLED_BACK", "the transaction has ended", {});
    if (this.#context.aborted) throw interrupted(this.#context, "none");
    const { name, capabilities } = this.#driver;
    if (fingerprint !== undefined && !capabilities.idempotentWrites) throw unsupported(`a ledger on ${name}`);
    const around = fingerprint === undefined ? this.#context : this.#context.with({ fingerprint, ledger: true });
    try {
      return await around.within({ timeoutMs, signal, operationId }, (context) =>
        untilGrace(this.#execute(operation, context), context, "none"),
      );
    } catch (error) {
      const told = toDatabaseError(error, "unknown");
      if (told.effect === "unknown" && isWrite(seen(operation))) this.#isDoubtful = true;
      // What a statement leaves behind is undone with its transaction: nothing is unknown before the commit.
      throw withEffect(told, "none");
    }
  }

  /** One that was left at its limit still runs: nothing is committed over it. */
  async #execute<K extends StatementKind>(operation: OperationOf<K>, context: CallContext): Promise<ResultOf<K>> {
    this.#running += 1;
    try {
      return await settling(this.#handle.statements[operation.kind](operation, context));
    } finally {
      this.#running -= 1;
    }
  }
}

/** Whether an object is a value of the driver's own. @throws INTERNAL where the driver fails at it */
export function isOwned(driver: Driver, value: object): boolean {
  try {
    return driver.ownsValue?.(value) ?? false;
  } catch (thrown) {
    throw toDatabaseError(thrown, "none");
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
  const handle = await begin(service, driver, options, within);
  const tx = new Transaction(driver, handle, within);
  const here: Inside = { service, open: true, outer: inside.getStore() };
  try {
    await untilInterrupted(
      inside.run(here, async () => work(tx)),
      context,
      "none",
    );
    here.open = false;
    tx.end();
    const { refusal } = tx;
    if (refusal !== undefined) throw refusal;
    if (context.aborted) throw interrupted(context, "none");
    await commit(handle, context);
  } catch (error) {
    here.open = false;
    tx.end();
    const rolledBack = rollBack(handle, context);
    keepUntilDone(service.rollbacks, rolledBack);
    // A caller whose time is up learns at once that nothing was committed; the driver keeps others out until it is undone.
    await untilInterrupted(rolledBack, context, "none").catch(() => {});
    throw error;
  }
}

function keepUntilDone(rollbacks: Set<Promise<void>>, rolledBack: Promise<void>): void {
  const kept = rolledBack.finally(() => rollbacks.delete(kept));
  rollbacks.add(kept);
}

/** Only the work's own error goes back to the caller as it is. */
async function begin(
  service: TransactionHost,
  driver: Driver,
  options: TransactionOptions,
  context: CallContext,
): Promise<DriverTransaction> {
  const begun = (async () => driver.begin(options, context))();
  try {
    return await untilInterrupted(begun, context, "none");
  } catch (thrown) {
    if (context.aborted) await undoLate(begun, service.rollbacks, context);
    // Whatever a driver says, as one does that passes the signal's reason on: what never began has changed nothing.
    throw withEffect(toDatabaseError(thrown, "none"), "none");
  }
}

/** A driver that does not listen may begin long after its time. The call waits for it only as long as it may itself. */
async function undoLate(
  begun: Promise<DriverTransaction>,
  rollbacks: Set<Promise<void>>,
  context: CallContext,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const enough = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, GRACE_MS / 2);
  });
  const settled = begun.then(
    (handle) => keepUntilDone(rollbacks, rollBack(handle, context)),
    () => {},
  );
  await Promise.race([settled, enough]);
  clearTimeout(timer);
}

async function commit(handle: DriverTransaction, context: CallContext): Promise<void> {
  try {
    await handle.commit(context);
  } catch (thrown) {
    throw toDatabaseError(thrown, "unknown");
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
