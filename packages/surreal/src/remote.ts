import {
  type CallContext,
  type Capabilities,
  type ConnectionState,
  ConnectionStatus,
  type DatabaseError,
  DatabaseErrorOf,
  type Driver,
  type DriverTarget,
  type DriverTransaction,
  type Handlers,
  interrupted,
  isDatabaseError,
  type LiveEvent,
  type LiveQuery,
  type StatementKind,
  type TransactionOptions,
} from "@db/core";
import { ConnectionPool, type Lease, type PoolState } from "@db/pool";
import type { Connection } from "./connection.ts";
import { acquireError, classOf, connectionError } from "./connection-errors.ts";
import { type Channel, Connections } from "./connections.ts";
import { SharedCredentials } from "./credentials.ts";
import { createHandlers } from "./handlers.ts";
import { HttpConnection } from "./http-connection.ts";
import { Ledger } from "./ledger.ts";
import { LiveQueries } from "./live.ts";
import { OpenTransaction } from "./open-transaction.ts";
import type { RemoteOptions } from "./options.ts";
import { ownsValue } from "./own-values.ts";
import { passedOf, sizesOf } from "./pool-options.ts";
import { RemoteLive } from "./remote-live.ts";
import { RemoteSession } from "./remote-session.ts";
import { stateOf } from "./remote-status.ts";
import { RemoteTransaction } from "./remote-transaction.ts";
import { type ServerFeatures, ServerVersions } from "./server-version.ts";
import { WebSocketConnection } from "./websocket-connection.ts";
import { createLocks } from "./write-locks.ts";
import { WriteOrder } from "./write-order.ts";

/** A driver for a server. */
export function remote(options: RemoteOptions): Driver {
  return new RemoteDriver(options);
}

/** What is assumed of a server before it has told its version. */
const PRESUMED: { readonly [transport in RemoteOptions["transport"]]: ServerFeatures } = {
  websocket: { version: "unknown", sessions: true, transactions: true },
  http: { version: "unknown", sessions: true, transactions: false },
};
/** The pool's own limit of one dial; ours comes first, for it knows more. */
const DIAL_SLACK_MS = 1_000;

/** Longer than any deadline of a call. */
const MAX_START_MS = 2_147_000_000;

interface Line {
  readonly pool: ConnectionPool<Channel>;
  readonly connections: Connections;
}

/**
 * Sessions on a pool of connections. The pool alone dials and waits: its state is the driver's, and a call ends with what
 * the pool or the server says, or with its signal.
 */
class RemoteDriver implements Driver {
  readonly name: string;
  readonly target: DriverTarget;
  readonly statements: Handlers<StatementKind>;
  readonly ownsValue: (value: object) => boolean = ownsValue;
  readonly #options: RemoteOptions;
  readonly #server: string;
  readonly #credentials: SharedCredentials;
  readonly #versions: ServerVersions;
  readonly #session: RemoteSession;
  readonly #ledger: Ledger;
  readonly #source: RemoteLive;
  readonly #live: LiveQueries;
  readonly #status = new ConnectionStatus();
  #line: Line;
  #features: ServerFeatures;
  /** What the last dial failed with, until one succeeds. */
  #failure: DatabaseError | undefined;

  constructor(options: RemoteOptions) {
    this.name = options.name;
    this.target = targetOf(options);
    this.#options = options;
    this.#features = PRESUMED[options.transport];
    this.#server = new URL(options.url).origin;
    this.#credentials = new SharedCredentials(options.authentication, options);
    this.#versions = new ServerVersions(options.serverVersions);
    this.#line = this.#makeLine();
    this.#session = new RemoteSession({
      home: { namespace: options.namespace, database: options.database },
      abandonAfterMs: options.abandonAfterMs,
      lend: (context) => this.#lend(context),
    });
    this.#ledger = new Ledger(this.#session, options.ledgerRetentionMs);
    const locks = createLocks(new WriteOrder(false), options);
    this.statements = createHandlers(this.#session, locks, this.#ledger);
    this.#source = new RemoteLive({
      session: this.#session,
      timeoutMs: options.connectTimeoutMs,
      abandonAfterMs: options.abandonAfterMs,
      connected: () => this.#connected(),
      released: (connection) => void this.#line.connections.release(connection),
    });
    this.#live = new LiveQueries(this.#source, this.#session, locks, options);
  }

  get state(): ConnectionState {
    return this.#status.state;
  }

  get capabilities(): Capabilities {
    const { sessions, transactions } = this.#features;
    return {
      transactions,
      savepoints: false,
      idempotentWrites: true,
      liveQueries: this.#options.transport === "websocket",
      scopes: sessions,
      queryLanguage: true,
    };
  }

  onStateChange(listener: (state: ConnectionState) => void): () => void {
    return this.#status.onStateChange(listener);
  }

  async begin(_: TransactionOptions, context: CallContext): Promise<DriverTransaction> {
    if (context.ledger) await this.#ledger.ready(context);
    const target = await RemoteTransaction.begin(this.#session, this.#options.abandonAfterMs, context);
    return new OpenTransaction(target, this.#ledger, {
      release: () => {},
      onWritten: () => this.#live.missed(context),
    });
  }

  live(query: LiveQuery, context: CallContext): AsyncIterable<LiveEvent> {
    return this.#live.follow(query, context);
  }

  wasApplied(operationId: string, context: CallContext): Promise<boolean> {
    return this.#ledger.wasApplied(operationId, context);
  }

  async ping(context: CallContext): Promise<void> {
    await this.#session.ask({ text: "RETURN 1", values: {} }, context, { effect: "none" });
  }

  async version(): Promise<string> {
    return this.#features.version;
  }

  /** Tries until the context's end; what waiting cannot cure ends it at once. */
  async connect(context: CallContext): Promise<void> {
    if (this.state.name === "closed") throw closed(this.name);
    const since = performance.now();
    this.#status.set({ name: "connecting", since });
    const line = this.#line;
    try {
      // The signal fires at the deadline; the pool's own limit is only a second lock.
      await line.pool.start({ signal: context.signal, timeoutMs: MAX_START_MS });
    } catch (thrown) {
      const error = this.#startError(thrown, context, line.pool.state);
      this.#line = this.#makeLine();
      this.#status.set({ name: "disconnected" });
      await close(line, 0, thrown);
      throw error;
    }
    const publish = (): void =>
      this.#status.set(stateOf(line.pool.state, since, true, (error) => connectionError(error, this.#server)));
    line.pool.onStateChange(publish);
    publish();
  }

  async disconnect(context: CallContext): Promise<void> {
    this.#status.set({ name: "closed" });
    this.#ledger.close();
    this.#source.close();
    await close(this.#line, Math.max(0, context.deadline - performance.now() - DIAL_SLACK_MS), closed(this.name));
  }

  /** Resolves when asking for a connection gives one or an error that stays; to false if the driver is closed. */
  #connected(): Promise<boolean> {
    const { pool } = this.#line;
    return new Promise((resolve) => {
      const look = (): boolean => {
        const { state } = pool;
        const isOver = state.name === "closed";
        if (!isOver && state.name !== "connected" && !(state.name === "failed" && state.permanent)) return false;
        resolve(!isOver);
        return true;
      };
      if (look()) return;
      const unsubscribe = pool.onStateChange(() => {
        if (look()) unsubscribe();
      });
    });
  }

  #lend(context: CallContext): Lease<Channel> | Promise<Lease<Channel>> {
    const { pool } = this.#line;
    const lease = pool.tryAcquire();
    return lease?.value.connection.usable ? lease : this.#wait(lease, context);
  }

  async #wait(found: Lease<Channel> | undefined, context: CallContext): Promise<Lease<Channel>> {
    const { pool } = this.#line;
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

  #startError(thrown: unknown, context: CallContext, state: PoolState): DatabaseError {
    if (this.state.name === "closed") return closed(this.name);
    const failure = this.#failure;
    if (!context.aborted) return acquireError(thrown, context, state);
    const error = interrupted(context, "none");
    if (error.code !== "QUERY_TIMEOUT" || failure === undefined) return error;
    const message = `no connection to ${this.#server} in the time given; the last attempt: ${failure.message}`;
    return new DatabaseErrorOf("CONNECTION_FAILED", message, {}, { cause: failure });
  }

  #makeLine(): Line {
    const { pool: tuning, connectTimeoutMs, unavailableAfterMs } = this.#options;
    const { maxSockets, perSocket, min } = sizesOf(tuning);
    const connections = new Connections({
      open: (signal, onEnd) => this.#open(signal, onEnd),
      perConnection: perSocket,
      connectTimeoutMs,
      maxAgeMs: tuning.maxLifetimeMs ?? 1_800_000,
      server: this.#server,
    });
    const pool = new ConnectionPool<Channel>({
      ...passedOf(tuning),
      name: this.name,
      max: maxSockets * perSocket,
      min,
      createTimeoutMs: connectTimeoutMs + DIAL_SLACK_MS,
      unavailableAfterMs,
      create: (context) => this.#take(connections, context),
      destroy: (channel) => connections.giveBack(channel),
      validate: ({ connection }) => connection.isAlive(),
      validateTimeoutMs: this.#options.heartbeatTimeoutMs + DIAL_SLACK_MS,
      classify: classOf,
    });
    return { pool, connections };
  }

  async #take(connections: Connections, context: Parameters<Connections["take"]>[0]): Promise<Channel> {
    try {
      const channel = await connections.take(context);
      this.#features = channel.connection.features;
      this.#failure = undefined;
      return channel;
    } catch (error) {
      this.#failure = isDatabaseError(error) ? error : connectionError(error, this.#server);
      throw error;
    }
  }

  #open(signal: AbortSignal, onEnd: (cause: unknown) => void): Promise<Connection> {
    const { namespace, database, pool, transport } = this.#options;
    const shared = {
      ...this.#options,
      home: { namespace, database },
      credentials: this.#credentials,
      versions: this.#versions,
      maxSockets: sizesOf(pool).perSocket,
    };
    return transport === "http"
      ? HttpConnection.open(shared, signal, onEnd)
      : WebSocketConnection.open(shared, signal, onEnd);
  }
}

async function close({ pool, connections }: Line, deadlineMs: number, cause: unknown): Promise<void> {
  await pool.close({ deadlineMs });
  connections.close(cause);
}

function closed(name: string): DatabaseErrorOf<"CLOSED"> {
  return new DatabaseErrorOf("CLOSED", `${name} is closed`, {});
}

/** Where calls go, as telemetry may tell it: the url may hold a password, its host and port do not. */
function targetOf({ url, namespace, database }: RemoteOptions): DriverTarget {
  const { hostname: address, port, protocol } = new URL(url);
  const usual = protocol === "wss:" || protocol === "https:" ? 443 : 80;
  return { system: "surrealdb", namespace: `${namespace}|${database}`, address, port: Number(port || usual) };
}
