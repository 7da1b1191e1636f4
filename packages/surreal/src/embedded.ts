import {
  type CallContext,
  DatabaseErrorOf,
  type Driver,
  defineDriver,
  interrupted,
  isDatabaseError,
  untilInterrupted,
} from "@db/core";
import type { Surreal, SurrealTransaction } from "surrealdb";
import { Busy } from "./busy.ts";
import { EngineLive } from "./engine-live.ts";
import { openPatiently } from "./engine-opening.ts";
import { EngineSession } from "./engine-session.ts";
import { EngineSessions } from "./engine-sessions.ts";
import { createHandlers } from "./handlers.ts";
import { Ledger } from "./ledger.ts";
import { reportLeftover } from "./leftover.ts";
import { LiveQueries } from "./live.ts";
import { OpenTransaction, type TransactionTarget } from "./open-transaction.ts";
import type { EmbeddedOptions } from "./options.ts";
import { ownsValue } from "./own-values.ts";
import { createLocks } from "./write-locks.ts";
import { WriteOrder } from "./write-order.ts";

/**
 * A driver for an engine in this process.
 *
 * One driver opens its engine once: a second open of a path, by this process or another, rejects with DATABASE_LOCKED.
 * `disconnect` waits for what the engine is still doing, then lets the process exit. (A full-text index keeps the
 * process alive even so: a defect of engine 3.0.2.)
 */
export function embedded(options: EmbeddedOptions): Driver {
  const busy = new Busy();
  const order = new WriteOrder(options.engine !== "rocksdb");
  let connection: Surreal | undefined;

  const connected = (): Surreal => {
    if (connection === undefined) throw new DatabaseErrorOf("NOT_CONNECTED", `${options.name} is not connected`, {});
    return connection;
  };
  // Asked for at each call: it is there only once connected.
  const sessions = new EngineSessions(connected, options, busy);
  const session = new EngineSession(sessions, busy);
  const locks = createLocks(order, options);
  const ledger = new Ledger(session, locks, options.ledgerRetentionMs);
  const live = new LiveQueries(new EngineLive(sessions, session, busy), session, locks, options);

  return defineDriver({
    name: options.name,
    capabilities: { transactions: true, idempotentWrites: true, liveQueries: true, scopes: true, queryLanguage: true },
    statements: createHandlers(session, locks, ledger),
    ownsValue,
    async begin(_, context) {
      if (context.ledger) await ledger.ready(context);
      const leave = await order.unknown(context);
      try {
        const { transaction, release } = await begin(sessions, session, busy, context);
        return new OpenTransaction(targetOf(transaction, busy), ledger, {
          release: () => {
            release();
            leave();
          },
          onWritten: () => live.missed(context),
        });
      } catch (error) {
        leave();
        throw error;
      }
    },
    live: (query, context) => live.follow(query, context),
    wasApplied: (operationId, context) => ledger.wasApplied(operationId, context),
    async ping(context) {
      await session.ask({ text: "RETURN 1", values: {} }, context, { effect: "none" });
    },
    async version(context) {
      const { version } = await session.send(() => connected().version(), context, { effect: "none" });
      return version;
    },
    async connect(context) {
      connection = await openPatiently(options, context);
    },
    async disconnect(context) {
      ledger.close();
      await close(connection, busy, context);
      connection = undefined;
      sessions.clear();
    },
  });
}

function targetOf(transaction: SurrealTransaction, engine: Busy): TransactionTarget {
  // What the engine is doing for this transaction, also when nobody waits for it any more.
  const busy = new Busy(engine);
  const session = new EngineSession({ run: (_, work) => work(transaction) }, busy);
  return {
    session,
    idle: () => busy.idle(),
    commit: (context) => session.send(() => transaction.commit(), context, { effect: "unknown" }),
    cancel: () => busy.track(() => transaction.cancel()),
  };
}

interface Begun {
  readonly transaction: SurrealTransaction;
  readonly release: () => void;
}

/** A transaction that was begun when nobody waits for it any more is cancelled. */
async function begin(
  sessions: EngineSessions,
  session: EngineSession,
  busy: Busy,
  context: CallContext,
): Promise<Begun> {
  let begun: Promise<Begun> | undefined;
  const start = (): Promise<Begun> => {
    begun = beginIn(sessions, context);
    return begun;
  };
  try {
    return await session.send(start, context, { effect: "none" });
  } catch (error) {
    const undo = ({ transaction, release }: Begun): Promise<void> =>
      busy.track(() => transaction.cancel()).finally(release);
    // One that failed to begin has left nothing.
    begun?.then(undo, () => {}).catch(reportLeftover);
    if (!isDatabaseError(error) || error.code !== "INTERNAL") throw error;
    const message = "the database refused to begin a transaction";
    throw new DatabaseErrorOf("TRANSACTION_FAILED", message, { phase: "begin" }, { cause: error.cause });
  }
}

async function beginIn(sessions: EngineSessions, context: CallContext): Promise<Begun> {
  const { session, release } = await sessions.hold(context);
  try {
    if (context.aborted) throw interrupted(context, "none");
    return { transaction: await session.beginTransaction(), release };
  } catch (error) {
    release();
    throw error;
  }
}

/** An engine that is still at work is closed once it is done: closing it before can abort the process. */
async function close(connection: Surreal | undefined, busy: Busy, context: CallContext): Promise<void> {
  if (connection === undefined) return;
  try {
    await untilInterrupted(busy.idle(), context, "none");
  } catch (cause) {
    busy
      .idle()
      .then(() => connection.close())
      .catch(reportLeftover);
    const message = `the engine is still working on ${busy.count} statements; it closes when it is done with them`;
    throw new DatabaseErrorOf("INTERNAL", message, {}, { cause });
  }
  await untilInterrupted(connection.close(), context, "none");
}
