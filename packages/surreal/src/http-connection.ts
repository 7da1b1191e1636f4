import { invalid, isDatabaseError, type Scope } from "@db/core";
import { type Connection, lostError, type ServerSession } from "./connection.ts";
import type { Admission, SharedCredentials } from "./credentials.ts";
import { classify } from "./errors.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { RpcReceiver, RpcRequest } from "./rpc.ts";
import { HttpClient, type HttpClientOptions, type HttpHeaders } from "./rpc-http.ts";
import type { Place } from "./scope.ts";
import { type ServerFeatures, type ServerVersions, versionText } from "./server-version.ts";
import { untilAborted } from "./until-aborted.ts";

export interface HttpOptions extends HttpClientOptions {
  readonly home: Scope;
  readonly credentials: SharedCredentials;
  readonly versions: ServerVersions;
  readonly connectTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly heartbeatTimeoutMs: number;
}

/** A place and who we are there: over HTTP both go with each request, and the server keeps nothing. */
interface HttpSession extends ServerSession {
  readonly headers: HttpHeaders;
  readonly admission: Admission;
}

/** A function that gives the same token again and again, or none, is not asked all the time. */
const RENEW_PAUSE_MS = 1_000;

/**
 * The way to a server over HTTP. It has no transactions, which live on a connection that lasts; a scope is but a header. One
 * request that ends without an answer makes it unusable for the next: the pool finds out with one dial how things stand.
 */
export class HttpConnection implements Connection {
  readonly bornAt: number = performance.now();
  readonly features: ServerFeatures;
  readonly watches: undefined = undefined;
  readonly #client: HttpClient;
  readonly #options: HttpOptions;
  readonly #heartbeat: Heartbeat;
  readonly #onEnd: (cause: unknown) => void;
  #admission: Admission;
  #renewing: Promise<void> | undefined;
  #renewFrom: number;
  #retired = false;
  #hasEnded = false;
  #inFlight = 0;

  private constructor(
    client: HttpClient,
    features: ServerFeatures,
    admission: Admission,
    options: HttpOptions,
    onEnd: (cause: unknown) => void,
  ) {
    this.#client = client;
    this.features = features;
    this.#admission = admission;
    this.#renewFrom = admission.renewAt;
    this.#options = options;
    this.#onEnd = onEnd;
    const { heartbeatIntervalMs: intervalMs, heartbeatTimeoutMs: timeoutMs } = options;
    this.#heartbeat = new Heartbeat({
      intervalMs,
      timeoutMs,
      received: () => client.received,
      ping: () => client.ping(),
      dead: () => this.terminate(new Error(`no sign of life from the server within ${timeoutMs} ms`)),
    });
  }

  /** @throws DatabaseError UNSUPPORTED_VERSION, AUTHENTICATION_FAILED, …; what the request failed with; the signal's reason */
  static async open(
    options: HttpOptions,
    signal: AbortSignal,
    onEnd: (cause: unknown) => void,
  ): Promise<HttpConnection> {
    let connection: HttpConnection | undefined;
    const client = new HttpClient(options, (cause) => {
      if (connection !== undefined) connection.#failed(cause);
    });
    try {
      const reported = await untilAborted(
        call(client, { method: "version", params: [] }, placeOf(options.home)),
        signal,
      );
      const features = {
        ...options.versions.check(versionText(reported)),
        sessions: true,
        transactions: false,
        live: false,
      };
      const admission = await admit(client, options, signal);
      connection = new HttpConnection(client, features, admission, options, onEnd);
      return connection;
    } catch (error) {
      client.close(new Error("the connection was given up"));
      throw error;
    }
  }

  get usable(): boolean {
    return !this.#retired && !this.#hasEnded;
  }

  session(scope: Scope): ServerSession | Promise<ServerSession> {
    const now = performance.now();
    if (now < this.#renewFrom) return this.#sessionOf(scope);
    const { expiresAt } = this.#admission;
    if (now >= expiresAt) return this.#renew().then(() => this.#sessionOf(scope));
    // Ahead of its end, while nobody has to wait for it; if it fails, it is tried again after a pause.
    this.#renewFrom = Math.min(now + RENEW_PAUSE_MS, expiresAt);
    this.#renew().catch(() => {});
    return this.#sessionOf(scope);
  }

  async replace(refused: ServerSession): Promise<ServerSession> {
    const { admission } = refused as HttpSession;
    if (admission === this.#admission) {
      this.#options.credentials.forget(admission);
      await this.#renew();
    }
    return this.#sessionOf(refused.scope);
  }

  send(request: RpcRequest, session: ServerSession, receiver: RpcReceiver): void {
    if (this.#hasEnded) throw lostError(new Error("the connection has ended"));
    this.#client.send(request, (session as HttpSession).headers, receiver);
    this.keep();
  }

  keep(): void {
    this.#inFlight += 1;
  }

  done(): void {
    this.#inFlight -= 1;
    if (this.#retired && this.#inFlight === 0) this.terminate(new Error("the connection was given up"));
  }

  isAlive(): Promise<boolean> {
    return this.usable ? this.#heartbeat.check() : Promise.resolve(false);
  }

  suspect(): void {
    if (this.usable) void this.#heartbeat.check();
  }

  retire(): void {
    this.#failed(new Error("the connection was given up"));
    if (this.#inFlight === 0) this.terminate(new Error("the connection was given up"));
  }

  async close(): Promise<void> {
    this.terminate(new Error("the connection was closed"));
  }

  /** A request ended without an answer. Others have sockets of their own, and may still get theirs. */
  #failed(cause: unknown): void {
    if (this.#retired || this.#hasEnded) return;
    this.#retired = true;
    this.#heartbeat.stop();
    this.#onEnd(cause);
  }

  terminate(cause: unknown): void {
    this.#failed(cause);
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#heartbeat.stop();
    this.#client.close(cause instanceof Error ? cause : new Error("the connection has ended", { cause }));
  }

  #sessionOf(scope: Scope): HttpSession {
    const admission = this.#admission;
    // Its own: what all share is gone while one of them signs in anew, and without a token we would be somebody else.
    const { token } = admission;
    const headers = token === undefined ? placeOf(scope) : { ...placeOf(scope), authorization: `Bearer ${token}` };
    return { scope, users: 0, admission, headers };
  }

  /** Signs in anew, once for all who ask meanwhile. */
  #renew(): Promise<void> {
    this.#renewing ??= this.#renewNow().finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  async #renewNow(): Promise<void> {
    const signal = AbortSignal.timeout(this.#options.connectTimeoutMs);
    this.#admission = await admit(this.#client, this.#options, signal);
    this.#renewFrom = Math.max(this.#admission.renewAt, performance.now() + RENEW_PAUSE_MS);
  }
}

async function admit(client: HttpClient, { credentials, home }: HttpOptions, signal: AbortSignal): Promise<Admission> {
  const ask = (request: RpcRequest): Promise<unknown> => untilAborted(call(client, request, placeOf(home)), signal);
  try {
    return await credentials.admit(ask, signal);
  } catch (error) {
    throw isDatabaseError(error) || signal.aborted ? error : classify(error, { effect: "none" });
  }
}

function call(client: HttpClient, request: RpcRequest, headers: HttpHeaders): Promise<unknown> {
  return new Promise((answered, reject) => {
    client.send(request, headers, { answered, refused: reject, lost: reject });
  });
}

/** Names may hold what a header may not, or what whoever reads it takes off: spaces at the ends. */
function placeOf({ namespace, database }: Place): HttpHeaders {
  return { "surreal-ns": headerText(namespace), "surreal-db": headerText(database) };
}

function headerText(name: string): string {
  if (/^[\x20-\x7e]+$/.test(name) && name.trim() === name) return name;
  throw invalid(["scope"], "header", "names of printable ASCII characters, without spaces at the ends, over HTTP");
}
