import { isFailed, NOT_SIGNED_IN, SESSION_EXPIRED } from "./surreal-reply.ts";
import { SessionId } from "./surreal-uuid.ts";

const SIGNS_IN: ReadonlySet<string> = new Set(["authenticate", "refresh", "signin", "signup"]);
const SIGNS_OUT: ReadonlySet<string> = new Set(["invalidate", "reset"]);
/** They change the session: whatever came before them is done first, whatever comes after them waits. */
const CHANGES: ReadonlySet<string> = new Set([...SIGNS_IN, ...SIGNS_OUT, "let", "set", "unset", "use"]);
/** They have nothing to do with the session. */
const FREE: ReadonlySet<string> = new Set(["begin", "cancel", "commit", "ping", "revoke", "version"]);

/** What is asked between two changes of the session. */
interface Era {
  /** While the change before it is not done: resolves when it is. */
  opens: Promise<void> | undefined;
  running: number;
  onIdle: (() => void) | undefined;
}

/**
 * A session of the engine, and two things that a server has and the embedded engine has not:
 * - the gate. The engine runs with authentication off, where a session that never signed in is the owner of all. What a
 *   signed-in user may do, the engine decides.
 * - the order. Requests of one session that are sent at once are carried out at once, except that one which changes the
 *   session takes its turn. The engine gets them on several threads, in no order.
 */
export class GatedSession {
  readonly id: SessionId = new SessionId();
  #state: "anonymous" | "signed in" | "expired" = "anonymous";
  #era: Era = { opens: undefined, running: 0, onIdle: undefined };

  /** Runs a request in its turn, or answers why it is refused. */
  async run(method: string, execute: () => Promise<Buffer>): Promise<Buffer> {
    if (FREE.has(method)) return execute();
    if (CHANGES.has(method)) return this.change(method, execute);
    const era = this.#era;
    era.running += 1;
    try {
      if (era.opens !== undefined) await era.opens;
      if (this.#state !== "signed in") return this.#state === "expired" ? SESSION_EXPIRED : NOT_SIGNED_IN;
      return await execute();
    } finally {
      era.running -= 1;
      if (era.running === 0) era.onIdle?.();
    }
  }

  /** Runs a request that changes the session, alone. */
  async change(method: string, execute: () => Promise<Buffer>): Promise<Buffer> {
    const before = this.#era;
    const { promise, resolve } = Promise.withResolvers<void>();
    const next: Era = { opens: promise, running: 0, onIdle: undefined };
    this.#era = next;
    try {
      await before.opens;
      if (before.running > 0) await new Promise<void>((idle) => (before.onIdle = idle));
      const answer = await execute();
      if (!isFailed(answer)) this.#follow(method);
      return answer;
    } finally {
      next.opens = undefined;
      resolve();
    }
  }

  expire(): void {
    if (this.#state === "signed in") this.#state = "expired";
  }

  #follow(method: string): void {
    if (SIGNS_IN.has(method)) this.#state = "signed in";
    else if (SIGNS_OUT.has(method)) this.#state = "anonymous";
  }
}
