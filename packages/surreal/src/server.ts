import { type CallContext, type DatabaseError, DatabaseErrorOf, interrupted, isDatabaseError } from "@db/core";
import { ConnectionPool, type Lease, type PoolState } from "@db/pool";
import type { Connection } from "./connection.ts";
import { acquireError, classOf, connectionError } from "./connection-errors.ts";
import { type Channel, Connections } from "./connections.ts";
import type { SharedCredentials } from "./credentials.ts";
import { SURREAL_3 } from "./dialect.ts";
import { HttpConnection } from "./http-connection.ts";
import type { RemoteOptions } from "./options.ts";
import { passedOf, sizesOf } from "./pool-options.ts";
import type { ServerFeatures, ServerVersions } from "./server-version.ts";
import { WebSocketConnection } from "./websocket-connection.ts";

export interface ServerOptions extends RemoteOptions {
  readonly credentials: SharedCredentials;
  readonly versions: ServerVersions;
}

/** What is assumed of a server before it has told its version. */
const PRESUMED: { readonly [transport in RemoteOptions["transport"]]: ServerFeatures } = {
  websocket: { version: "unknown", sessions: true, transactions: true, live: true, dialect: SURREAL_3 },
  http: { version: "unknown", sessions: true, transactions: false, live: false, dialect: SURREAL_3 },
};
/** The pool's own limits of what we limit as well; ours come first, for they know more. */
const SLACK_MS = 1_000;
/** One dial in so long is no load for a server, and the end of a long outage is seen within a second. */
const MAX_BACKOFF_MS = 750;
/** Longer than any deadline of a call. */
const MAX_START_MS = 2_147_000_000;

/** One server: the pool of channels to it, which alone dials and waits. Started once; one that failed to start is closed. */
export class Server {
  /** Without credentials or path, for messages. */
  readonly origin: string;
  readonly #options: ServerOptions;
  readonly #connections: Connections;
  readonly #pool: ConnectionPool<Channel>;
  #features: ServerFeatures;
  /** What the last dial failed with, until one succeeds. */
  #failure: DatabaseError | undefined;

  constructor(options: ServerOptions) {
    const { url, pool, connectTimeoutMs } = options;
    this.#options = options;
    this.#features = PRESUMED[options.transport];
    this.origin = new URL(url).origin;
    this.#connections = new Connections({
      open: (signal, onEnd) => this.#open(signal, onEnd),
      perConnection: sizesOf(pool).perSocket,
      connectTimeoutMs,
      maxAgeMs: pool.maxLifetimeMs ?? 1_800_000,
      server: this.origin,
    });
    this.#pool = this.#makePool();
  }

  get state(): PoolState {
    return this.#pool.state;
  }

  get features(): ServerFeatures {
    return this.#features;
  }

  onStateChange(listener: () => void): () => void {
    return this.#pool.onStateChange(listener);
  }

  /** Tries until the context's end; what waiting cannot cure ends it at once. @throws DatabaseError */
  async start(context: CallContext): Promise<void> {
    try {
      // The signal fires at the deadline; the pool's own limit is only a second lock.
      await this.#pool.start({ signal: context.signal, timeoutMs: MAX_START_MS });
    } catch (thrown) {
      throw this.#startError(thrown, context);
    }
  }

  /** Ends what is under way after the deadline. */
  async close(deadlineMs: number): Promise<void> {
    await this.#pool.close({ deadlineMs: Math.max(0, deadlineMs) });
    this.#connections.close(new Error("the driver was closed"));
  }

  /** Resolves when asking for a connection gives one or an error that stays; to false if there will be none. */
  ready(): Promise<boolean> {
    const pool = this.#pool;
    return new Promise((resolve) => {
      const unsubscribe = pool.onStateChange(() => look());
      const look = (): void => {
        const { state } = pool;
        if (state.name !== "closed" && state.name !== "connected" && !isPermanent(state)) return;
        unsubscribe();
        resolve(state.name !== "closed");
      };
      look();
    });
  }

  /** A connection may be without use now. */
  release(connection: Connection): void {
    void this.#connections.release(connection);
  }

  /** What the pool's state means in the words of the contract. */
  errorOf(error: unknown): DatabaseError {
    return connectionError(error, this.origin);
  }

  /** @throws DatabaseError with effect `none` */
  lend(context: CallContext): Lease<Channel> | Promise<Lease<Channel>> {
    const lease = this.#pool.tryAcquire();
    return lease?.value.connection.usable ? lease : this.#wait(lease, context);
  }

  async #wait(found: Lease<Channel> | undefined, context: CallContext): Promise<Lease<Channel>> {
    const pool = this.#pool;
    found?.destroy();
    const { signal, whenAway } = context;
    for (;;) {
      const lease = await pool.acquire({ signal, whenAway }).catch((error: unknown) => {
        throw acquireError(error, context, pool.state);
      });
      if (lease.value.connection.usable) return lease;
      lease.destroy();
    }
  }

  #startError(thrown: unknown, context: CallContext): DatabaseError {
    if (!context.aborted) return acquireError(thrown, context, this.#pool.state);
    const error = interrupted(context, "none");
    const failure = this.#failure;
    if (error.code !== "QUERY_TIMEOUT" || failure === undefined) return error;
    const message = `no connection to ${this.origin} in the time given; the last attempt: ${failure.message}`;
    return new DatabaseErrorOf("CONNECTION_FAILED", message, {}, { cause: failure });
  }

  #makePool(): ConnectionPool<Channel> {
    const { name, pool: tuning, connectTimeoutMs, unavailableAfterMs, heartbeatTimeoutMs } = this.#options;
    const { maxSockets, perSocket, min } = sizesOf(tuning);
    const connections = this.#connections;
    return new ConnectionPool<Channel>({
      ...passedOf(tuning),
      name,
      max: maxSockets * perSocket,
      min,
      createTimeoutMs: connectTimeoutMs + SLACK_MS,
      unavailableAfterMs,
      maxBackoffMs: MAX_BACKOFF_MS,
      create: async (context) => {
        try {
          const channel = await connections.take(context);
          this.#features = channel.connection.features;
          this.#failure = undefined;
          return channel;
        } catch (error) {
          if (isDatabaseError(error)) this.#failure = error;
          throw error;
        }
      },
      destroy: (channel) => connections.giveBack(channel),
      validate: ({ connection }) => connection.isAlive(),
      validateTimeoutMs: heartbeatTimeoutMs + SLACK_MS,
      classify: classOf,
    });
  }

  #open(signal: AbortSignal, onEnd: (cause: unknown) => void): Promise<Connection> {
    const { namespace, database, pool, transport } = this.#options;
    const { perMessage } = sizesOf(pool);
    const options = { ...this.#options, home: { namespace, database }, perMessage };
    const open = transport === "http" ? HttpConnection.open : WebSocketConnection.open;
    return open(options, signal, onEnd);
  }
}

function isPermanent(state: PoolState): boolean {
  return state.name === "failed" && state.permanent;
}
