import { type DatabaseError, DatabaseErrorOf, type Scope } from "@db/core";
import { classify, isSessionExpired } from "./errors.ts";
import type { LiveWatches } from "./live-watches.ts";
import type { RpcReceiver, RpcRequest } from "./rpc.ts";
import type { ServerFeatures } from "./server-version.ts";

/** A session on a connection: who we are there and in which scope. It is never changed, only replaced by a new one. */
export interface ServerSession {
  readonly scope: Scope;
  /** Statements that run in it. */
  users: number;
}

/** A way to a server that several channels share: a WebSocket, or an HTTP client. */
export interface Connection {
  readonly features: ServerFeatures;
  /** Whether new statements may go over it. */
  readonly usable: boolean;
  /** On the `performance.now()` scale. */
  readonly bornAt: number;
  /** The session of a scope: at hand, or being made. */
  session(scope: Scope): ServerSession | Promise<ServerSession>;
  /** Another session in place of one that the server calls expired. */
  replace(session: ServerSession): Promise<ServerSession>;
  /**
   * Sends a request. Whoever it belongs to calls `done` once it is over.
   * @throws what keeps it from being sent: then it was not, and `done` is not called
   */
  send(request: RpcRequest, session: ServerSession, receiver: RpcReceiver): void;
  done(session: ServerSession): void;
  /** Counts a session as in use between requests, as a transaction does. Ends with a `done`. */
  keep(session: ServerSession): void;
  /** Live queries, where the connection can have them. */
  readonly watches: LiveWatches | undefined;
  /** Whether the server is there, asked now. */
  isAlive(): Promise<boolean>;
  /** A request had no answer in its time: is the server still there? */
  suspect(): void;
  /** Takes no new statements, lets those under way end, and closes then. */
  retire(): void;
  close(): Promise<void>;
  /** Ends it at once. */
  terminate(cause: unknown): void;
}

/** Sends a request that has no effect on data. @throws the server's error; CONNECTION_FAILED; what kept it from being sent */
export function callOn(connection: Connection, session: ServerSession, request: RpcRequest): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const settle = (end: () => void): void => {
      connection.done(session);
      end();
    };
    connection.send(request, session, {
      answered: (result) => settle(() => resolve(result)),
      refused: (error) => settle(() => reject(error)),
      lost: (cause) => settle(() => reject(lostError(cause))),
    });
  });
}

export interface Answer {
  readonly result: unknown;
  /** The session that it was given in. */
  readonly session: ServerSession;
}

/**
 * `callOn`, and once more in another session if the server says that this one has expired: then it has done nothing.
 * @param renewed told of the other session before it is used
 */
export async function callRenewing(
  connection: Connection,
  session: ServerSession,
  request: RpcRequest,
  renewed?: (session: ServerSession) => void,
): Promise<Answer> {
  try {
    return { result: await callOn(connection, session, request), session };
  } catch (error) {
    if (!isSessionExpired(error)) throw error;
    const next = await connection.replace(session).catch((thrown: unknown) => {
      throw sessionError(thrown);
    });
    renewed?.(next);
    return { result: await callOn(connection, next, request), session: next };
  }
}

/** Why there is no session: one that could not be set up in its time says nothing of the call. */
export function sessionError(thrown: unknown): DatabaseError {
  const known = classify(thrown, { effect: "none" });
  if (known.code !== "INTERNAL") return known;
  return new DatabaseErrorOf("CONNECTION_FAILED", "no session could be set up; see cause", {}, { cause: thrown });
}

export function lostError(cause: unknown): DatabaseErrorOf<"CONNECTION_FAILED"> {
  return new DatabaseErrorOf("CONNECTION_FAILED", "the connection to the database was lost; see cause", {}, { cause });
}
