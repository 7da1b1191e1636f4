import {
  type CallContext,
  type DatabaseError,
  DatabaseErrorOf,
  interrupted,
  unsupported,
  untilInterrupted,
} from "@db/core";
import type { Lease } from "@db/pool";
import { Uuid } from "surrealdb";
import { type Answer, type Connection, callRenewing, type ServerSession } from "./connection.ts";
import type { Channel } from "./connections.ts";
import { type Wording, wordedIn } from "./dialect.ts";
import { classify } from "./errors.ts";
import { Exchange } from "./exchange.ts";
import type { Statement } from "./find-text.ts";
import type { TransactionTarget } from "./open-transaction.ts";
import { giveBack, type RemoteSession, releaseAfter } from "./remote-session.ts";
import { resultsOf } from "./responses.ts";
import { firstResult, type RpcRequest, readResponses } from "./rpc.ts";
import { valuesIn } from "./scope.ts";
import type { Asked, Session } from "./session.ts";
import { withinMs } from "./within-ms.ts";

/** How long an undone transaction may keep its channel before the connection is given up, which undoes it for certain. */
const CANCEL_MS = 5_000;

/**
 * A transaction on a server: it has a channel to itself from its begin to its end. It belongs to its socket, so that one
 * whose end nobody could tell the server is undone with the socket.
 */
export class RemoteTransaction implements TransactionTarget, Session {
  readonly session: Session = this;
  readonly #lease: Lease<Channel>;
  #serverSession: ServerSession;
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
    lease.value.connection.keep(session);
  }

  /** @throws DatabaseError UNSUPPORTED on a server that has none; TRANSACTION_FAILED; … */
  static async begin(session: RemoteSession, abandonAfterMs: number, context: CallContext): Promise<RemoteTransaction> {
    const lease = await session.lend(context);
    const { connection } = lease.value;
    let begun: Promise<Answer> | undefined;
    try {
      if (!connection.features.transactions) throw unsupported("a transaction on this server", "it needs SurrealDB 3");
      const serverSession = await session.sessionOn(connection, context);
      if (context.aborted) throw interrupted(context, "none");
      begun = callRenewing(connection, serverSession, { method: "begin", params: [] });
      const { result, session: held } = await untilInterrupted(begun, context, "none");
      // Without it statements would stand alone, and stay.
      if (!(result instanceof Uuid)) throw withoutId();
      return new RemoteTransaction(lease, held, result, abandonAfterMs);
    } catch (error) {
      releaseAfter(undo(begun, connection), lease, abandonAfterMs);
      throw refusedBegin(classify(error, { effect: "none" }));
    }
  }

  async ask(wording: Wording, context: CallContext, asked: Asked): Promise<unknown> {
    const { text, values } = wordedIn(this.#lease.value.connection.features.dialect, wording);
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
    return resultsOf(text, readResponses(await this.#exchange(request, context, asked)), asked.effect);
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
      await withinMs(CANCEL_MS, cancelIn(connection, this.#serverSession, this.#txn));
      this.#end(true);
    } catch (error) {
      const isUndone = tellsUndone(error);
      if (!isUndone) connection.retire();
      this.#end(isUndone);
      if (!isUndone) throw error;
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
        renewed: (session) => this.#renewed(session),
      });
    } catch (error) {
      over();
      throw classify(error, { effect: "none" });
    }
    return exchange.promise;
  }

  #renewed(session: ServerSession): void {
    const { connection } = this.#lease.value;
    connection.keep(session);
    connection.done(this.#serverSession);
    this.#serverSession = session;
  }

  #end(isClean: boolean): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#lease.value.connection.done(this.#serverSession);
    giveBack(this.#lease, isClean);
  }
}

/** What the server began when nobody waited any more is undone. */
async function undo(begun: Promise<Answer> | undefined, connection: Connection): Promise<void> {
  const found = await begun?.catch(() => undefined);
  if (found === undefined) return;
  const cancelled =
    found.result instanceof Uuid ? cancelIn(connection, found.session, found.result) : Promise.reject(withoutId());
  await cancelled.catch((error: unknown) => {
    if (!tellsUndone(error)) connection.retire();
  });
}

/** What the server does not know any more, and what belonged to a connection that is over, is undone. */
function tellsUndone(error: unknown): boolean {
  const { code } = classify(error, { effect: "none" });
  return code === "TRANSACTION_ROLLED_BACK" || code === "CONNECTION_FAILED";
}

function withoutId(): Error {
  return new Error("the server began a transaction and did not tell its id");
}

function cancelIn(connection: Connection, session: ServerSession, txn: Uuid): Promise<Answer> {
  return callRenewing(connection, session, { method: "cancel", params: [txn] });
}

function refusedBegin(error: DatabaseError): DatabaseError {
  if (error.code !== "INTERNAL") return error;
  const message = "the database refused to begin a transaction";
  return new DatabaseErrorOf("TRANSACTION_FAILED", message, { phase: "begin" }, { cause: error.cause });
}

function ended(): DatabaseError {
  return new DatabaseErrorOf("TRANSACTION_ROLLED_BACK", "the transaction has ended", {});
}
