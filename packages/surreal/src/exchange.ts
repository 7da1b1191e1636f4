import { type CallContext, type DatabaseError, DatabaseErrorOf, type Effect, interrupted } from "@db/core";
import { type Connection, type ServerSession, sessionError } from "./connection.ts";
import { classify, isSessionExpired } from "./errors.ts";
import type { RpcReceiver, RpcRequest } from "./rpc.ts";
import type { Asked } from "./session.ts";

export interface ExchangeOptions {
  readonly connection: Connection;
  readonly session: ServerSession;
  readonly request: RpcRequest;
  readonly context: CallContext;
  readonly asked: Asked;
  readonly abandonAfterMs: number;
  /** Called once, also when the caller has gone: `false` where the server may still be at it. */
  readonly over: (isDone: boolean) => void;
  /** Told of the session that took the place of one that had expired. */
  readonly renewed?: (session: ServerSession) => void;
}

/**
 * One request and its end: the answer, the loss of the connection, or its caller's signal. A caller who goes leaves the
 * request on the server; it is over when the server answers, and given up with its connection if that takes too long.
 * Nothing is ever sent twice, but for what a server refused because the session had expired.
 */
export class Exchange implements RpcReceiver {
  readonly promise: Promise<unknown>;
  sentBytes = 0;
  readonly #options: ExchangeOptions;
  #session: ServerSession;
  #resolve: (result: unknown) => void = noop;
  #reject: (error: unknown) => void = noop;
  #signal: AbortSignal | undefined;
  #abandoning: NodeJS.Timeout | undefined;
  #hasRenewed = false;
  #isSent = false;
  #isOver = false;

  /** Sends it. @throws what kept it from being sent; then `over` is not called */
  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.#session = options.session;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#send(options.session);
    if (this.#isOver) return;
    this.#signal = options.context.signal;
    this.#signal.addEventListener("abort", this);
  }

  answered(result: unknown): void {
    this.#settle();
    this.#resolve(result);
  }

  refused(error: Error): void {
    // Nothing with an effect begins for a caller who has gone.
    const mayRenew = !this.#hasRenewed && !this.#isOver && !this.#options.context.aborted;
    if (mayRenew && isSessionExpired(error)) {
      this.#hasRenewed = true;
      void this.#renew();
      return;
    }
    this.#settle();
    this.#reject(this.#classified(error));
  }

  lost(cause: unknown): void {
    this.#settle();
    this.#reject(this.#lostError(cause));
  }

  /** The caller goes. */
  handleEvent(): void {
    const { context, connection, abandonAfterMs } = this.#options;
    this.#reject(interrupted(context, this.#isSent ? this.#effect : "none"));
    if (!this.#isSent) {
      this.#end(true);
      return;
    }
    connection.suspect();
    this.#abandoning = setTimeout(() => this.#abandon(), abandonAfterMs).unref();
  }

  #send(session: ServerSession): void {
    const { connection, request } = this.#options;
    this.#isSent = true;
    this.#session = session;
    connection.send(request, session, this);
  }

  /** Refused for its session: nothing of it was done, so it is sent once more in a new one. */
  async #renew(): Promise<void> {
    const { connection } = this.#options;
    this.#isSent = false;
    connection.done(this.#session);
    try {
      const session = await connection.replace(this.#session);
      this.#options.renewed?.(session);
      if (!this.#isOver) this.#send(session);
    } catch (error) {
      this.#isSent = false;
      this.#end(true);
      this.#reject(sessionError(error));
    }
  }

  #abandon(): void {
    this.#settle(false);
    this.#options.connection.retire();
  }

  /** The server is done with it; or nobody waits any longer. */
  #settle(isDone = true): void {
    if (this.#isSent) {
      this.#isSent = false;
      this.#options.connection.done(this.#session);
    }
    this.#end(isDone);
  }

  #end(isDone: boolean): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#signal?.removeEventListener("abort", this);
    clearTimeout(this.#abandoning);
    this.#options.over(isDone);
  }

  #classified(error: unknown): DatabaseError {
    const { id } = this.#options.asked;
    const effect = this.#effect;
    return classify(error, id === undefined ? { effect } : { effect, id });
  }

  /** A statement of a transaction is undone with it, unless the transaction is committed. */
  get #effect(): Effect {
    const { request, asked } = this.#options;
    return request.txn === undefined ? asked.effect : "none";
  }

  /** The connection ended before the answer: what only reads has changed nothing. */
  #lostError(cause: unknown): DatabaseError {
    const { context } = this.#options;
    if (this.#effect === "none") {
      const message = "the connection was lost before the answer; see cause";
      return new DatabaseErrorOf("CONNECTION_FAILED", message, {}, { cause });
    }
    const message = "the connection was lost before the answer, so whether it was applied is not known; see cause";
    const facts = { operationId: context.operationId };
    return new DatabaseErrorOf("OUTCOME_UNKNOWN", message, facts, { effect: "unknown", cause });
  }
}

function noop(): void {}
