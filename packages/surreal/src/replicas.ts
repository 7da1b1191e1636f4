import {
  type CallContext,
  type DatabaseError,
  DatabaseErrorOf,
  type ErrorCode,
  isDatabaseError,
  runCall,
} from "@db/core";
import type { Wording } from "./dialect.ts";
import type { Statement } from "./find-text.ts";
import type { Server } from "./server.ts";
import type { Asked, Session } from "./session.ts";

/** What says something of a replica and nothing of the statement. */
const ELSEWHERE: ReadonlySet<ErrorCode> = new Set([
  "CONNECTION_FAILED",
  "SERVICE_UNAVAILABLE",
  "POOL_EXHAUSTED",
  "AUTHENTICATION_FAILED",
  "UNSUPPORTED",
  "UNSUPPORTED_VERSION",
  "CLOSED",
]);

export interface Replica {
  readonly server: Server;
  readonly session: Session;
}

/** Reads go to the replicas that are there, in turn; what is lost with one is asked of the next, and of the primary at last. */
export class Replicas implements Session {
  readonly #replicas: readonly Replica[];
  readonly #primary: Session;
  #turn = 0;

  constructor(replicas: readonly Replica[], primary: Session) {
    this.#replicas = replicas;
    this.#primary = primary;
  }

  /** Dials them. Nobody waits for it: a replica that is not there is a matter of health. */
  start(timeoutMs: number): void {
    for (const { server } of this.#replicas) runCall({ timeoutMs }, (context) => server.start(context)).catch(() => {});
  }

  async close(deadlineMs: number): Promise<void> {
    await Promise.all(this.#replicas.map(({ server }) => server.close(deadlineMs)));
  }

  /** What makes health less than whole; undefined when all are there. */
  get problem(): DatabaseError | undefined {
    const away = this.#replicas.map(({ server }) => server).filter(({ state }) => state.name !== "connected");
    const [first] = away;
    if (first === undefined) return undefined;
    const message = `${away.length} of ${this.#replicas.length} read replicas away: ${away.map(({ origin }) => origin).join(", ")}`;
    const cause = first.state.name === "failed" ? { cause: first.errorOf(first.state.error) } : {};
    return new DatabaseErrorOf("CONNECTION_FAILED", message, {}, cause);
  }

  ask(statement: Wording, context: CallContext, asked: Asked): Promise<unknown> {
    return this.#read(context, (session, inner) => session.ask(statement, inner, asked));
  }

  query(text: string, values: Statement["values"], context: CallContext, asked: Asked): Promise<readonly unknown[]> {
    return this.#read(context, (session, inner) => session.query(text, values, inner, asked));
  }

  async #read<T>(context: CallContext, run: (session: Session, context: CallContext) => Promise<T>): Promise<T> {
    const there = this.#replicas.filter(({ server }) => server.state.name === "connected");
    this.#turn += 1;
    const turn = this.#turn;
    for (const [index] of there.entries()) {
      const replica = there[(turn + index) % there.length];
      if (replica === undefined) break;
      try {
        return await run(replica.session, context.with({ whenAway: "fail" }));
      } catch (error) {
        if (context.aborted || !isDatabaseError(error) || !ELSEWHERE.has(error.code)) throw error;
      }
    }
    return run(this.#primary, context);
  }
}
