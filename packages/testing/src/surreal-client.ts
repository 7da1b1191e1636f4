import { Uuid } from "surrealdb";
import type { RawEngine } from "./surreal-engine.ts";
import { LiveQueries } from "./surreal-live-queries.ts";
import {
  encode,
  isFailed,
  type Notification,
  sessionExists,
  sessionNotFound,
  TRANSACTION_EXPECTED,
  TRANSACTION_NOT_FOUND,
} from "./surreal-reply.ts";
import type { RpcRequest } from "./surreal-request.ts";
import { GatedSession } from "./surreal-session.ts";
import { formatUuid } from "./surreal-uuid.ts";

const NONE = encode(undefined);

/** Who hears the live queries of a session of the engine, or the end of one, by its id in 32 hex digits. */
export type Listeners = Map<string, (notification: Notification) => void>;

/**
 * What one client owns: its sessions, transactions and live queries. The engine has one table of each for all clients, a
 * server one per socket, so what another client owns is not found here. Ids of sessions are the engine's own: a client
 * that comes back may attach the id that its old socket has not yet let go.
 */
export class SurrealClient {
  readonly #engine: RawEngine;
  readonly #listeners: Listeners;
  readonly #own: GatedSession = new GatedSession();
  /** By the id that the client gave. */
  readonly #attached = new Map<string, GatedSession>();
  readonly #transactions = new Set<string>();
  readonly #live: LiveQueries;

  /** Hears what its live queries tell. */
  onNotification: (notification: Notification) => void = () => {};

  private constructor(engine: RawEngine, listeners: Listeners) {
    this.#engine = engine;
    this.#listeners = listeners;
    this.#live = new LiveQueries(listeners, (notification) => this.onNotification(notification));
  }

  static async open(engine: RawEngine, listeners: Listeners): Promise<SurrealClient> {
    const client = new SurrealClient(engine, listeners);
    await client.#attach(client.#own);
    return client;
  }

  get counts(): { readonly sessions: number; readonly transactions: number; readonly live: number } {
    return { sessions: 1 + this.#attached.size, transactions: this.#transactions.size, live: this.#live.size };
  }

  /** All its sessions. */
  get sessions(): readonly GatedSession[] {
    return [this.#own, ...this.#attached.values()];
  }

  /** The engine's answer, or the one that a server would give. */
  async answer(request: RpcRequest): Promise<Buffer> {
    const { method } = request;
    if (method === "attach" || method === "detach" || method === "sessions") return this.#answerSessions(request);
    const session = request.session === undefined ? this.#own : this.#attached.get(request.session);
    if (session === undefined) return sessionNotFound(request.session ?? "");
    if (request.transaction !== undefined && !this.#transactions.has(request.transaction)) return TRANSACTION_NOT_FOUND;
    if (method === "commit" || method === "cancel") {
      const ended = request.soleUuid();
      if (ended === undefined) return TRANSACTION_EXPECTED;
      if (!this.#transactions.delete(ended)) return TRANSACTION_NOT_FOUND;
    }
    const answer = await session.run(method, () => this.#engine.execute(request.within(session.id)));
    if (method === "begin" && !isFailed(answer)) this.#transactions.add(answer.toString("hex", 3));
    this.#live.follow(request, answer, session);
    return answer;
  }

  /** Transactions that are open end now, whatever their statements are doing. */
  async cancelTransactions(): Promise<void> {
    const { id } = this.#own;
    const ids = [...this.#transactions].map((key) => new Uuid(formatUuid(key)));
    this.#transactions.clear();
    await Promise.allSettled(ids.map((transaction) => this.#engine.call("cancel", [transaction], id)));
  }

  /** Gives back all that it owns. Nothing may be under way: what is begun while it is given back would be left over. */
  async close(): Promise<void> {
    await this.cancelTransactions();
    const detached = this.sessions.map((session) => this.#detach(session));
    this.#attached.clear();
    await Promise.allSettled(detached);
  }

  async #answerSessions({ method, session: key, bytes }: RpcRequest): Promise<Buffer> {
    if (method === "sessions") return encode([...this.#attached.keys()].map((name) => new Uuid(formatUuid(name))));
    // Without an id the engine says what it expected.
    if (key === undefined) return this.#engine.execute(bytes);
    const known = this.#attached.get(key);
    if (method === "attach") {
      if (known !== undefined) return sessionExists(key);
      const session = new GatedSession();
      this.#attached.set(key, session);
      await this.#attach(session);
    } else if (known !== undefined) {
      this.#attached.delete(key);
      await this.#detach(known);
    }
    return NONE;
  }

  async #attach(session: GatedSession): Promise<void> {
    this.#listeners.set(session.id.key, (notification) => this.onNotification(notification));
    // What is asked of it before it is attached waits.
    await session.change("attach", () => this.#engine.must("attach", [], session.id));
  }

  async #detach(session: GatedSession): Promise<void> {
    this.#listeners.delete(session.id.key);
    this.#live.drop(session);
    await this.#engine.call("detach", [], session.id);
  }
}
