import {
  type CallContext,
  type DatabaseError,
  DatabaseErrorOf,
  interrupted,
  unsupported,
  untilInterrupted,
} from "@db/core";
import type { Lease } from "@db/pool";
import type { Uuid } from "surrealdb";
import { callOn, type ServerSession } from "./connection.ts";
import type { Channel } from "./connections.ts";
import { classify } from "./errors.ts";
import { Exchange } from "./exchange.ts";
import type { Statement } from "./find-text.ts";
import type { TransactionTarget } from "./open-transaction.ts";
import { giveBack, type RemoteSession } from "./remote-session.ts";
import { resultsOf } from "./responses.ts";
import { firstResult, type RpcRequest, readResponses } from "./rpc.ts";
import { valuesIn } from "./scope.ts";
import type { Asked, Session } from "./session.ts";

/** How long an undone transaction may keep its channel before the connection is given up, which undoes it for certain. */
const CANCEL_MS = 5_000;

/**
 * A transaction on a server: it has a channel to itself from its begin to its end. It belongs to its socket, so that one
 * whose end nobody could tell the server is undone with the socket.
 */
export class RemoteTransaction implements TransactionTarget, Session {
  readonly session: Session = this;
  readonly #lease: Lease<Channel>;
  readonly #serverSession: ServerSession;
  readonly #txn: Uuid;
  readonly #abandonAfterMs: number;
  #running = 0;
  #onIdle: (() => void)[] = [];
  #hasEnded = false;

  private constructor(lease: Lease<Channel>, session: ServerSession, txn: Uuid, abandonAfterMs: number) {
    this.#lease = lease;
    this.#serverSession = session;
    this.#txn = txn;
    this.#abandonAfterMs = abandonAfterMs;
  }

  /** @throws DatabaseError UNSUPPORTED on a server that has none; TRANSACTION_FAILED; … */
  static async begin(session: RemoteSession, abandonAfterMs: number, context: CallContext): Promise<RemoteTransaction> {
    const lease = await session.lend(context);
    const { connection } = lease.value;
    let serverSession: ServerSession | undefined;
    let begun: Promise<unknown> | undefined;
    try {
      if (!connection.features.transactions) throw unsupported("a transaction on this server", "it needs SurrealDB 3");
      serverSession = await session.sessionOn(connection, context);
      if (context.aborted) throw interrupted(context, "none");
      begun = callOn(connection, serverSession, { method: "begin", params: [] });
      const txn = (await untilInterrupted(begun, context, "none")) as Uuid;
      return new RemoteTransaction(lease, serverSession, txn, abandonAfterMs);
    } catch (error) {
      undoBegin(begun, serverSession, lease, abandonAfterMs);
      throw refusedBegin(classify(error, { effect: "none" }));
    }
  }

  async ask({ text, values }: Statement, context: CallContext, asked: Asked): Promise<unknown> {
    const request = { method: "query", params: [text, valuesIn(context, values)], txn: this.#txn };
    return firstResult(await this.#exchange(request, context, asked), asked);
  }

  async query(
    text: string,
    values: Statement["values"],
    context: CallContext,
    asked: Asked,
  ): Promise<readonly unknown[]> {
    const request = { method: "query", params: [text, valuesIn(context, values)], txn: this.#txn };
    return resultsOf(readResponses(await this.#exchange(request, context, asked)), asked.effect);
  }

  idle(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#running === 0) resolve();
      else this.#onIdle.push(resolve);
    });
  }

  async commit(context: CallContext): Promise<void> {
    if (context.aborted) throw interrupted(context, "none");
    await this.#exchange({ method: "commit", params: [this.#txn] }, context, { effect: "unknown" });
    this.#end(true);
  }

  async cancel(): Promise<void> {
    if (this.#hasEnded) return;
    const { connection } = this.#lease.value;
    try {
      await withinMs(CANCEL_MS, callOn(connection, this.#serverSession, { method: "cancel", params: [this.#txn] }));
      this.#end(true);
    } catch (error) {
      const isOver = classify(error, { effect: "none" }).code === "TRANSACTION_ROLLED_BACK";
      if (!isOver) connection.retire();
      this.#end(isOver);
      throw error;
    }
  }

  async #exchange(request: RpcRequest, context: CallContext, asked: Asked): Promise<unknown> {
    if (context.aborted || this.#hasEnded) {
      asked.onDone?.();
      throw context.aborted ? interrupted(context, "none") : ended();
    }
    this.#running += 1;
    const over = (): void => {
      this.#running -= 1;
      if (this.#running === 0) for (const notify of this.#onIdle.splice(0)) notify();
      asked.onDone?.();
    };
    let exchange: Exchange;
    try {
      exchange = new Exchange({
        connection: this.#lease.value.connection,
        session: this.#serverSession,
        request,
        context,
        asked,
        abandonAfterMs: this.#abandonAfterMs,
        over,
      });
    } catch (error) {
      over();
      throw classify(error, { effect: "none" });
    }
    return exchange.promise;
  }

  #end(isClean: boolean): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    giveBack(this.#lease, isClean);
  }
}

/** What the server began when nobody waited any more is undone, with its connection if it takes too long. */
function undoBegin(
  begun: Promise<unknown> | undefined,
  session: ServerSession | undefined,
  lease: Lease<Channel>,
  patienceMs: number,
): void {
  const { connection } = lease.value;
  const undone = (async () => {
    const txn = await begun?.catch(() => undefined);
    if (txn === undefined || session === undefined) return;
    await callOn(connection, session, { method: "cancel", params: [txn] });
  })();
  withinMs(patienceMs, undone).then(
    () => giveBack(lease, true),
    () => {
      connection.retire();
      giveBack(lease, false);
    },
  );
}

function refusedBegin(error: DatabaseError): DatabaseError {
  if (error.code !== "INTERNAL") return error;
  const message = "the database refused to begin a transaction";
  return new DatabaseErrorOf("TRANSACTION_FAILED", message, { phase: "begin" }, { cause: error.cause });
}

function ended(): DatabaseError {
  return new DatabaseErrorOf("TRANSACTION_ROLLED_BACK", "the transaction has ended", {});
}

async function withinMs<T>(patienceMs: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${patienceMs} ms`)), patienceMs).unref();
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
