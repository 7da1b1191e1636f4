import { type CallContext, interrupted } from "@db/core";
import type { Surreal, SurrealSession } from "surrealdb";
import type { Busy } from "./busy.ts";
import { untilNoConflict } from "./conflicts.ts";
import { reportLeftover } from "./leftover.ts";
import { type Place, placeKey } from "./scope.ts";

/** Sessions that nobody uses are kept for the next call of their scope, up to this many; the longest unused is closed. */
const MAX_IDLE = 64;

interface OpenSession {
  readonly session: Promise<SurrealSession>;
  users: number;
}

/** A session in use; to be given back once. */
export interface HeldSession {
  readonly session: SurrealSession;
  release(): void;
}

/**
 * The engine's sessions: one for each namespace and database that is in use, beside the service's own. A session never
 * changes its place, so no tenant can find itself in another's. There are at most as many as calls under way, live queries
 * and transactions, and `MAX_IDLE` more.
 */
export class EngineSessions {
  readonly #connection: () => Surreal;
  readonly #own: string;
  readonly #busy: Busy;
  /** The longest unused first. */
  readonly #open = new Map<string, OpenSession>();

  constructor(connection: () => Surreal, own: Place, busy: Busy) {
    this.#connection = connection;
    this.#busy = busy;
    this.#own = placeKey(own);
  }

  /** How many are open beside the service's own. */
  get size(): number {
    return this.#open.size;
  }

  /** Runs work in the context's scope. */
  run<T>(context: CallContext, work: (session: SurrealSession) => Promise<T>): Promise<T> {
    return context.scope === undefined ? work(this.#connection()) : this.#runIn(context, work);
  }

  /** For work of several steps. */
  async hold({ scope }: CallContext): Promise<HeldSession> {
    const connection = this.#connection();
    const key = scope === undefined ? this.#own : placeKey(scope);
    if (scope === undefined || key === this.#own) return { session: connection, release: () => {} };
    const open = this.#take(key, connection, scope);
    try {
      return { session: await open.session, release: () => this.#giveBack(open) };
    } catch (error) {
      if (this.#open.get(key) === open) this.#open.delete(key);
      throw error;
    }
  }

  /** The engine is closed, and its sessions with it. */
  clear(): void {
    this.#open.clear();
  }

  async #runIn<T>(context: CallContext, work: (session: SurrealSession) => Promise<T>): Promise<T> {
    const { session, release } = await this.hold(context);
    try {
      if (context.aborted) throw interrupted(context, "none");
      return await work(session);
    } finally {
      release();
    }
  }

  #take(key: string, connection: Surreal, place: Place): OpenSession {
    const open = this.#open.get(key) ?? { session: openIn(connection, place), users: 0 };
    open.users += 1;
    this.#open.delete(key);
    this.#open.set(key, open);
    return open;
  }

  #giveBack(open: OpenSession): void {
    open.users -= 1;
    if (this.#open.size <= MAX_IDLE) return;
    for (const [longest, { session, users }] of this.#open) {
      if (users > 0) continue;
      this.#open.delete(longest);
      this.#busy.track(async () => (await session).closeSession()).catch(reportLeftover);
      return;
    }
  }
}

async function openIn(connection: Surreal, { namespace, database }: Place): Promise<SurrealSession> {
  const session = await connection.newSession();
  try {
    await untilNoConflict(() => session.use({ namespace, database }));
    return session;
  } catch (error) {
    await session.closeSession();
    throw error;
  }
}
