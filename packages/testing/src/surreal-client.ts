import { Uuid } from "surrealdb";
import type { RawEngine } from "./surreal-engine.ts";
import {
  decode,
  encode,
  isFailed,
  type Notification,
  sessionExists,
  sessionNotFound,
  TRANSACTION_NOT_FOUND,
} from "./surreal-reply.ts";
import type { RpcRequest } from "./surreal-request.ts";
import { GatedSession } from "./surreal-session.ts";
import { formatUuid } from "./surreal-uuid.ts";

const NONE = encode(undefined);
/** A cheap sign that a query may start a live query; the answer tells whether it did. */
const LIVE_WORDS = ["LIVE", "live", "Live"].map((word) => Buffer.from(word));

/** Who hears the live queries of a session of the engine, by its id in 32 hex digits. */
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
  readonly #live = new Map<string, GatedSession>();

  /** Hears what its live queries tell. */
  onNotification: (notification: Notification) => void = () => {};

  private constructor(engine: RawEngine, listeners: Listeners) {
    this.#engine = engine;
    this.#listeners = listeners;
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
    const refusal = session.refusal(method);
    if (refusal !== undefined) return refusal;
    if (request.transaction !== undefined && !this.#transactions.has(request.transaction)) return TRANSACTION_NOT_FOUND;
    const ends = method === "commit" || method === "cancel" ? request.soleUuid() : undefined;
    if (ends !== undefined && !this.#transactions.delete(ends)) return TRANSACTION_NOT_FOUND;
    const startsLive =
      method === "live" || (method === "query" && LIVE_WORDS.some((word) => request.bytes.includes(word)));
    const answer = await this.#engine.execute(request.within(session.id));
    session.answered(method, answer);
    if (method === "begin" && !isFailed(answer)) this.#transactions.add(answer.toString("hex", 3));
    if (startsLive) this.#countLive(answer, session);
    return answer;
  }

  /** Cancels its transactions and detaches its sessions, which ends their live queries. */
  async close(): Promise<void> {
    const ends = [...this.#transactions].map((key) =>
      this.#engine.call("cancel", [new Uuid(formatUuid(key))], this.#own.id),
    );
    this.#transactions.clear();
    await Promise.allSettled(ends);
    const detached = this.sessions.map((session) => this.#detach(session));
    this.#attached.clear();
    this.#live.clear();
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
    this.#listeners.set(session.id.key, (notification) => {
      if (notification.isLast) this.#live.delete(notification.query);
      this.onNotification(notification);
    });
    await this.#engine.call("attach", [], session.id);
  }

  async #detach(session: GatedSession): Promise<void> {
    this.#listeners.delete(session.id.key);
    for (const [query, owner] of this.#live) if (owner === session) this.#live.delete(query);
    await this.#engine.call("detach", [], session.id);
  }

  #countLive(answer: Buffer, session: GatedSession): void {
    if (isFailed(answer)) return;
    const value = decode(answer);
    const results = Array.isArray(value)
      ? (value as readonly { type?: string; result?: unknown }[])
      : [{ type: "live", result: value }];
    for (const { type, result } of results)
      if (type === "live" && result instanceof Uuid) this.#live.set(result.toString().replaceAll("-", ""), session);
  }
}
