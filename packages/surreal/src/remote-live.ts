import {
  type CallContext,
  type DatabaseError,
  isDatabaseError,
  runCall,
  type Scope,
  unsupported,
  untilInterrupted,
} from "@db/core";
import type { Uuid } from "surrealdb";
import { type Connection, callOn, callRenewing, type ServerSession } from "./connection.ts";
import { classify } from "./errors.ts";
import type { Statement } from "./find-text.ts";
import type { LiveListener, LiveSource, Notification } from "./live.ts";
import type { LiveWatches, Watcher } from "./live-watches.ts";
import { type RemoteSession, releaseAfter } from "./remote-session.ts";
import { firstResult } from "./rpc.ts";
import { valuesIn } from "./scope.ts";
import { withinMs } from "./within-ms.ts";

export interface RemoteLiveOptions {
  readonly session: RemoteSession;
  /** How long one start may take. */
  readonly timeoutMs: number;
  readonly abandonAfterMs: number;
  /** Resolves when a start makes sense; to false if there will be no connection any more. */
  readonly ready: () => Promise<boolean>;
  /** A connection may be without use now. */
  readonly released: (connection: Connection) => void;
}

/** How long to wait before a start is tried again that failed on a connection which stands. */
const PAUSE_MS = 250;
const KILL_MS = 2_000;

/** The notifications of a server. They belong to a connection: after its loss a live query is begun anew on another. */
export class RemoteLive implements LiveSource {
  readonly #options: RemoteLiveOptions;
  readonly #watches = new Set<Watch>();

  constructor(options: RemoteLiveOptions) {
    this.#options = options;
  }

  async watch(statement: Statement, context: CallContext, listener: LiveListener): Promise<() => Promise<void>> {
    const watch = new Watch(statement, context.scope, listener, this.#options);
    await watch.begin(context);
    this.#watches.add(watch);
    return async () => {
      this.#watches.delete(watch);
      await watch.end();
    };
  }

  /** The driver is closed: all are over. */
  close(): void {
    for (const watch of this.#watches) watch.close();
    this.#watches.clear();
  }
}

/** Where a live query stands. */
interface Place {
  readonly connection: Connection;
  readonly watches: LiveWatches;
  readonly session: ServerSession;
  readonly id: Uuid;
}

class Watch implements Watcher {
  readonly #statement: Statement;
  readonly #scope: Scope | undefined;
  readonly #listener: LiveListener;
  readonly #options: RemoteLiveOptions;
  readonly #ending = new AbortController();
  /** Undefined while it does not stand. */
  #place: Place | undefined;

  constructor(statement: Statement, scope: Scope | undefined, listener: LiveListener, options: RemoteLiveOptions) {
    this.#statement = statement;
    this.#scope = scope;
    this.#listener = listener;
    this.#options = options;
  }

  /** @throws DatabaseError */
  async begin(context: CallContext): Promise<void> {
    const { session, abandonAfterMs } = this.#options;
    const lease = await session.lend(context);
    const { connection } = lease.value;
    const starting = this.#start(connection, context);
    releaseAfter(starting, lease, abandonAfterMs);
    try {
      this.#place = await untilInterrupted(starting, context, "none");
    } catch (error) {
      // It may stand all the same once nobody waits for it.
      starting.then(
        (place) => this.#leave(place),
        () => {},
      );
      throw classify(error, { effect: "none" });
    }
  }

  change(notification: Notification): void {
    if (!this.#ending.signal.aborted) this.#listener.change(notification);
  }

  killed(): void {
    const place = this.#place;
    this.#place = undefined;
    if (place !== undefined) this.#release(place);
    this.close();
  }

  lost(): void {
    this.#place = undefined;
    if (!this.#ending.signal.aborted) void this.#beginAnew();
  }

  /** Nobody listens any more. Never rejects. */
  async end(): Promise<void> {
    this.#ending.abort();
    const place = this.#place;
    this.#place = undefined;
    if (place !== undefined) await this.#leave(place);
  }

  /** There will be no more. */
  close(): void {
    if (this.#ending.signal.aborted) return;
    this.#ending.abort();
    this.#listener.end();
  }

  async #start(connection: Connection, context: CallContext): Promise<Place> {
    const { watches } = connection;
    if (watches === undefined) throw unsupported("a live query on this connection");
    if (!connection.features.live) throw unsupported("a live query on this server", "it needs SurrealDB 3");
    const { text, values } = this.#statement;
    const request = { method: "query", params: [text, valuesIn(context, values)] };
    let session = await this.#options.session.sessionOn(connection, context);
    // A live query goes with its session: one that is replaced, be it as the live query begins, stays as long as it has one.
    session.users += 1;
    const renewed = (next: ServerSession): void => {
      next.users += 1;
      this.#release({ connection, session });
      session = next;
    };
    try {
      const id = await watches.start(async () => {
        const { result } = await callRenewing(connection, session, request, renewed);
        return firstResult(result, { effect: "none" }) as Uuid;
      }, this);
      return { connection, watches, session, id };
    } catch (error) {
      this.#release({ connection, session });
      throw error;
    }
  }

  /** Never rejects. */
  async #beginAnew(): Promise<void> {
    const { signal } = this.#ending;
    const { timeoutMs, ready } = this.#options;
    while (!signal.aborted) {
      try {
        if (!(await ready())) return this.close();
        await runCall({ timeoutMs, signal, scope: this.#scope }, (context) => this.begin(context));
        // It may have been ended in the turn in which it began, when there was nothing yet to leave.
        if (signal.aborted) return await this.end();
        this.#listener.gap();
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (!isDatabaseError(error) || !error.retryable) return this.#fail(classify(error, { effect: "none" }));
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS).unref());
      }
    }
  }

  #fail(error: DatabaseError): void {
    this.#ending.abort();
    this.#listener.end(error);
  }

  /** What the server does not hear of ends with the connection. Never rejects. */
  async #leave(place: Place): Promise<void> {
    const { connection, watches, session, id } = place;
    if (watches.remove(id)) {
      const kill = callOn(connection, session, { method: "kill", params: [id] });
      await withinMs(KILL_MS, kill).catch(() => {});
    }
    this.#release(place);
  }

  #release({ connection, session }: Pick<Place, "connection" | "session">): void {
    // As if it were a statement's end: a session that was replaced meanwhile is left after its last use.
    connection.keep(session);
    session.users -= 1;
    connection.done(session);
    this.#options.released(connection);
  }
}
