import { isDatabaseError, type Scope, unsupported } from "@db/core";
import { Uuid } from "surrealdb";
import { untilNoConflict } from "./conflicts.ts";
import type { Connection, ServerSession } from "./connection.ts";
import type { Admission, SharedCredentials } from "./credentials.ts";
import { classify } from "./errors.ts";
import { LiveWatches } from "./live-watches.ts";
import type { RpcReceiver, RpcRequest } from "./rpc.ts";
import { RpcSocket, type SocketOptions } from "./rpc-socket.ts";
import { placeKey } from "./scope.ts";
import { type ServerFeatures, type ServerVersions, versionText } from "./server-version.ts";
import { SharedMessages } from "./shared-messages.ts";
import { untilAborted } from "./until-aborted.ts";

export interface WebSocketOptions extends SocketOptions {
  readonly home: Scope;
  readonly credentials: SharedCredentials;
  readonly versions: ServerVersions;
  readonly connectTimeoutMs: number;
  /** Statements that may share a message. */
  readonly perMessage: number;
}

interface SocketSession extends ServerSession {
  /** Undefined for the socket's own. */
  readonly id: Uuid | undefined;
  readonly admission: Admission;
  /** Not before this is it renewed, once more. */
  renewFrom: number;
}

/** The sessions of tenants that a socket keeps at most; those that were not used for the longest time go. */
const MAX_SESSIONS = 64;
/** A function that gives the same token again and again, or none, is not asked all the time. */
const RENEW_PAUSE_MS = 1_000;

/**
 * A WebSocket with its sessions, one a scope, each set up once and then shared: a statement takes but a read lock on its
 * session (a `use` or `authenticate` on one would wait for the statements under way and hold up all that follow).
 */
export class WebSocketConnection implements Connection {
  readonly bornAt: number = performance.now();
  readonly socket: RpcSocket;
  readonly features: ServerFeatures;
  readonly watches: LiveWatches = new LiveWatches();
  readonly #options: WebSocketOptions;
  readonly #sessions = new Map<string, SocketSession>();
  readonly #making = new Map<string, Promise<SocketSession>>();
  /** Undefined where each statement is a message of its own. */
  readonly #shared: SharedMessages | undefined;
  #home: SocketSession;
  #retired = false;
  #inFlight = 0;

  private constructor(socket: RpcSocket, features: ServerFeatures, home: SocketSession, options: WebSocketOptions) {
    this.socket = socket;
    this.features = features;
    this.#home = home;
    this.#options = options;
    const { perMessage, maxMessageBytes } = options;
    if (perMessage > 1)
      this.#shared = new SharedMessages(perMessage, maxMessageBytes, (request, receiver) =>
        socket.send(request, receiver),
      );
    socket.onPush = (push) => this.watches.push(push);
  }

  /**
   * Dials, asks for the version, signs in and takes its place.
   * @throws DatabaseError UNSUPPORTED_VERSION, AUTHENTICATION_FAILED, …; what the dial failed with; the signal's reason
   */
  static async open(
    options: WebSocketOptions,
    signal: AbortSignal,
    onEnd: (cause: unknown) => void,
  ): Promise<WebSocketConnection> {
    let watches: LiveWatches | undefined;
    const socket = await RpcSocket.dial(options, signal, (cause) => {
      onEnd(cause);
      watches?.end(cause);
    });
    try {
      const connection = await untilAborted(WebSocketConnection.#setUp(socket, options, signal), signal);
      watches = connection.watches;
      return connection;
    } catch (error) {
      socket.terminate(error);
      throw error;
    }
  }

  static async #setUp(socket: RpcSocket, options: WebSocketOptions, signal: AbortSignal): Promise<WebSocketConnection> {
    const reported = await socket.call({ method: "version", params: [] });
    const features = options.versions.check(versionText(reported));
    const home = await setUpSession(socket, undefined, options.home, options.credentials, signal);
    return new WebSocketConnection(socket, features, home, options);
  }

  get usable(): boolean {
    return !this.#retired && this.socket.isOpen;
  }

  session(scope: Scope): ServerSession | Promise<ServerSession> {
    const home = this.#home;
    const session = isSame(scope, home.scope) ? home : this.#recall(scope);
    if (session === undefined) return this.#make(scope);
    const now = performance.now();
    if (now < session.renewFrom) return session;
    if (now >= session.admission.expiresAt) return this.#make(scope);
    // Ahead of its end, while nobody has to wait for it; if it fails, it is tried again after a pause.
    session.renewFrom = Math.min(now + RENEW_PAUSE_MS, session.admission.expiresAt);
    this.#make(scope).catch(() => {});
    return session;
  }

  async replace(refused: ServerSession): Promise<ServerSession> {
    const present = isSame(refused.scope, this.#home.scope) ? this.#home : this.#sessions.get(placeKey(refused.scope));
    if (present === refused) return this.#make(refused.scope);
    return this.session(refused.scope);
  }

  send(request: RpcRequest, session: ServerSession, receiver: RpcReceiver): void {
    const { id } = session as SocketSession;
    this.keep(session);
    try {
      const sent = id === undefined ? request : { ...request, session: id };
      if (sent.shareable && this.#shared !== undefined && this.socket.isOpen) this.#shared.send(sent, receiver);
      else this.socket.send(sent, receiver);
    } catch (error) {
      this.done(session);
      throw error;
    }
  }

  done(session: ServerSession): void {
    session.users -= 1;
    this.#inFlight -= 1;
    if (this.#retired) this.#closeIfQuiet();
    else if (session.users === 0) this.#leaveIfReplaced(session as SocketSession);
  }

  keep(session: ServerSession): void {
    session.users += 1;
    this.#inFlight += 1;
  }

  isAlive(): Promise<boolean> {
    return this.usable ? this.socket.isAlive() : Promise.resolve(false);
  }

  suspect(): void {
    this.socket.suspect();
  }

  retire(): void {
    this.#retired = true;
    this.#closeIfQuiet();
  }

  close(): Promise<void> {
    this.#retired = true;
    return this.socket.close();
  }

  terminate(cause: unknown): void {
    this.socket.terminate(cause);
  }

  #closeIfQuiet(): void {
    if (this.#inFlight === 0) void this.socket.close();
  }

  #recall(scope: Scope): SocketSession | undefined {
    const key = placeKey(scope);
    const session = this.#sessions.get(key);
    if (session === undefined) return undefined;
    this.#sessions.delete(key);
    this.#sessions.set(key, session);
    return session;
  }

  /** Sets up a session for a scope, once for all who ask meanwhile. */
  #make(scope: Scope): Promise<SocketSession> {
    const key = placeKey(scope);
    let making = this.#making.get(key);
    if (making === undefined) {
      making = this.#makeNow(scope).finally(() => this.#making.delete(key));
      this.#making.set(key, making);
    }
    return making;
  }

  async #makeNow(scope: Scope): Promise<SocketSession> {
    const { credentials, connectTimeoutMs } = this.#options;
    // Before 3.0 a socket has one session, which is set up again in place.
    const id = this.features.sessions ? Uuid.v7() : undefined;
    if (id === undefined && !isSame(scope, this.#home.scope))
      throw unsupported("a scope on this server", "it needs SurrealDB 3");
    const signal = AbortSignal.timeout(connectTimeoutMs);
    const session = await setUpSession(this.socket, id, scope, credentials, signal);
    const old = isSame(scope, this.#home.scope) ? this.#home : this.#sessions.get(placeKey(scope));
    if (isSame(scope, this.#home.scope)) this.#home = session;
    else this.#sessions.set(placeKey(scope), session);
    if (old?.users === 0) this.#detach(old);
    // Whoever waited for it uses it before that: until then it looks as if nobody did.
    setImmediate(() => this.#forgetOldest());
    return session;
  }

  #forgetOldest(): void {
    for (const [key, session] of this.#sessions) {
      if (this.#sessions.size <= MAX_SESSIONS) return;
      if (session.users > 0) continue;
      this.#sessions.delete(key);
      this.#detach(session);
    }
  }

  #leaveIfReplaced(session: SocketSession): void {
    if (session !== this.#home && this.#sessions.get(placeKey(session.scope)) !== session) this.#detach(session);
    else if (this.#sessions.size > MAX_SESSIONS) this.#forgetOldest();
  }

  #detach({ id }: SocketSession): void {
    detach(this.socket, id);
  }
}

/** The socket's own session cannot be left; one whose socket ends is gone with it. */
function detach(socket: RpcSocket, id: Uuid | undefined): void {
  if (id === undefined || socket.hasEnded) return;
  socket.call({ method: "detach", params: [], session: id }).catch(() => {});
}

async function setUpSession(
  socket: RpcSocket,
  id: Uuid | undefined,
  scope: Scope,
  credentials: SharedCredentials,
  signal: AbortSignal,
): Promise<SocketSession> {
  const ask = (request: Pick<RpcRequest, "method" | "params">): Promise<unknown> =>
    untilAborted(socket.call({ ...request, session: id }), signal);
  try {
    if (id !== undefined) await ask({ method: "attach", params: [] });
    const admission = await credentials.admit(ask, signal);
    const use = (): Promise<unknown> => ask({ method: "use", params: [scope.namespace, scope.database] });
    await untilNoConflict(use, (pause) => untilAborted(pause, signal));
    const renewFrom = Math.max(admission.renewAt, performance.now() + RENEW_PAUSE_MS);
    return { id, scope, admission, renewFrom, users: 0 };
  } catch (error) {
    detach(socket, id);
    throw isDatabaseError(error) || signal.aborted ? error : classify(error, { effect: "none" });
  }
}

function isSame(one: Scope, other: Scope): boolean {
  return one === other || (one.namespace === other.namespace && one.database === other.database);
}
