import { type CallContext, interrupted, type Scope, untilInterrupted } from "@db/core";
import type { Lease } from "@db/pool";
import { type Connection, type ServerSession, sessionError } from "./connection.ts";
import type { Channel } from "./connections.ts";
import { type Dialect, type Wording, wordedIn } from "./dialect.ts";
import { classify } from "./errors.ts";
import { Exchange } from "./exchange.ts";
import type { Statement } from "./find-text.ts";
import { resultsOf } from "./responses.ts";
import { firstResult, type RpcRequest, readResponses } from "./rpc.ts";
import { valuesIn } from "./scope.ts";
import type { Asked, Session } from "./session.ts";
import { withinMs } from "./within-ms.ts";

interface RemoteSessionOptions {
  readonly home: Scope;
  readonly abandonAfterMs: number;
  /** @throws DatabaseError with effect `none` */
  readonly lend: (context: CallContext) => Lease<Channel> | Promise<Lease<Channel>>;
}

/** Runs each statement on a channel of the pool, in the session of its scope. */
export class RemoteSession implements Session {
  readonly #options: RemoteSessionOptions;

  constructor(options: RemoteSessionOptions) {
    this.#options = options;
  }

  async ask(wording: Wording, context: CallContext, asked: Asked): Promise<unknown> {
    const isShareable = asked.id !== undefined && !context.ledger && context.scope?.variables === undefined;
    return firstResult(await this.#run(wording, context, asked, isShareable), asked);
  }

  async query(
    text: string,
    values: Statement["values"],
    context: CallContext,
    asked: Asked,
  ): Promise<readonly unknown[]> {
    return resultsOf(text, readResponses(await this.#run({ text, values }, context, asked, false)), asked.effect);
  }

  /** One request on a channel of its own. @throws DatabaseError */
  async #run(wording: Wording, context: CallContext, asked: Asked, shareable: boolean): Promise<unknown> {
    const { abandonAfterMs } = this.#options;
    let lease: Lease<Channel> | undefined;
    let exchange: Exchange;
    try {
      if (context.aborted) throw interrupted(context, "none");
      const lent = this.#options.lend(context);
      lease = lent instanceof Promise ? await lent : lent;
      const { connection } = lease.value;
      const found = this.sessionOn(connection, context);
      const session = found instanceof Promise ? await found : found;
      if (context.aborted) throw interrupted(context, "none");
      const request = requestOf(wording, connection.features.dialect, context, shareable);
      const held = lease;
      const over = (isDone: boolean): void => {
        giveBack(held, isDone);
        asked.onDone?.();
      };
      exchange = new Exchange({ connection, session, request, context, asked, abandonAfterMs, over });
    } catch (error) {
      if (lease !== undefined) giveBack(lease, true);
      asked.onDone?.();
      throw classify(error, { effect: "none" });
    }
    return exchange.promise;
  }

  /** A channel for several requests. @throws DatabaseError with effect `none` */
  async lend(context: CallContext): Promise<Lease<Channel>> {
    if (context.aborted) throw interrupted(context, "none");
    return this.#options.lend(context);
  }

  /** The session of the context's scope. @throws DatabaseError with effect `none` */
  sessionOn(connection: Connection, context: CallContext): ServerSession | Promise<ServerSession> {
    const found = connection.session(context.scope ?? this.#options.home);
    return found instanceof Promise ? untilInterrupted(found, context, "none").catch(asUnavailable) : found;
  }
}

function requestOf(wording: Wording, dialect: Dialect, context: CallContext, shareable: boolean): RpcRequest {
  const { text, values } = wordedIn(dialect, wording);
  return { method: "query", params: [text, valuesIn(context, values)], shareable };
}

/** A channel whose connection takes nothing more, or whose statement goes on, is of no use to anybody else. */
export function giveBack(lease: Lease<Channel>, isDone: boolean): void {
  if (isDone && lease.value.connection.usable) lease.release();
  else lease.destroy();
}

/** Gives the channel back when the work on it has settled; what takes too long is given up with its connection. */
export function releaseAfter(work: Promise<unknown>, lease: Lease<Channel>, patienceMs: number): void {
  const { connection } = lease.value;
  const settled = work.then(
    () => {},
    () => {},
  );
  withinMs(patienceMs, settled).then(
    () => giveBack(lease, true),
    () => {
      connection.retire();
      giveBack(lease, false);
    },
  );
}

function asUnavailable(error: unknown): never {
  throw sessionError(error);
}
