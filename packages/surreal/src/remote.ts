import {
  type CallContext,
  type Capabilities,
  type ConnectionState,
  ConnectionStatus,
  DatabaseErrorOf,
  type Driver,
  type DriverTarget,
  type DriverTransaction,
  type Handlers,
  type LiveEvent,
  type LiveQuery,
  type StatementKind,
  type TransactionOptions,
} from "@db/core";
import { SharedCredentials } from "./credentials.ts";
import { createHandlers } from "./handlers.ts";
import { Ledger } from "./ledger.ts";
import { LiveQueries } from "./live.ts";
import { OpenTransaction } from "./open-transaction.ts";
import type { RemoteOptions } from "./options.ts";
import { ownsValue } from "./own-values.ts";
import { RemoteLive } from "./remote-live.ts";
import { RemoteSession } from "./remote-session.ts";
import { stateOf } from "./remote-status.ts";
import { RemoteTransaction } from "./remote-transaction.ts";
import { Replicas } from "./replicas.ts";
import { Server, type ServerOptions } from "./server.ts";
import { ServerVersions } from "./server-version.ts";
import { createLocks } from "./write-locks.ts";
import { WriteOrder } from "./write-order.ts";

/** A driver for a server, and for replicas of it to read from. */
export function remote(options: RemoteOptions): Driver {
  return new RemoteDriver(options);
}

/** What is left of the time to close for the last goodbyes. */
const GOODBYE_MS = 1_000;

/** Core's operations over one server's session, with reads over its replicas. */
class RemoteDriver implements Driver {
  readonly name: string;
  readonly target: DriverTarget;
  readonly statements: Handlers<StatementKind>;
  readonly ownsValue: (value: object) => boolean = ownsValue;
  readonly #options: ServerOptions;
  readonly #status = new ConnectionStatus();
  readonly #session: RemoteSession;
  readonly #replicas: Replicas;
  readonly #ledger: Ledger;
  readonly #source: RemoteLive;
  readonly #live: LiveQueries;
  /** A new one for each `connect()`. */
  #server: Server;

  constructor(given: RemoteOptions) {
    const credentials = new SharedCredentials(given.authentication, given);
    const options = { ...given, credentials, versions: new ServerVersions(given.serverVersions) };
    this.name = options.name;
    this.target = targetOf(options);
    this.#options = options;
    this.#server = new Server(options);
    this.#session = sessionOver(() => this.#server, options);
    const replicas = options.readUrls.map((url, index) => {
      const server = new Server({ ...options, url, name: `${options.name}-replica-${index + 1}` });
      return { server, session: sessionOver(() => server, options) };
    });
    this.#replicas = new Replicas(replicas, this.#session);
    const locks = createLocks(new WriteOrder(false), options);
    this.#ledger = new Ledger(this.#session, locks, options.ledgerRetentionMs);
    const reads = replicas.length === 0 ? this.#session : this.#replicas;
    this.statements = createHandlers(this.#session, locks, this.#ledger, reads);
    this.#source = new RemoteLive({
      session: this.#session,
      timeoutMs: options.connectTimeoutMs,
      abandonAfterMs: options.abandonAfterMs,
      ready: () => this.#server.ready(),
      released: (connection) => this.#server.release(connection),
    });
    this.#live = new LiveQueries(this.#source, this.#session, locks, options);
  }

  get state(): ConnectionState {
    return this.#status.state;
  }

  get capabilities(): Capabilities {
    const { sessions, transactions, live } = this.#server.features;
    return {
      transactions,
      savepoints: false,
      idempotentWrites: true,
      liveQueries: live,
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
    const { problem } = this.#replicas;
    if (problem !== undefined) throw problem;
  }

  async version(): Promise<string> {
    return this.#server.features.version;
  }

  async connect(context: CallContext): Promise<void> {
    if (this.#isClosed) throw this.#closed();
    const since = performance.now();
    this.#status.set({ name: "connecting", since });
    const server = this.#server;
    try {
      await server.start(context);
    } catch (error) {
      if (this.#isClosed) throw this.#closed();
      this.#server = new Server(this.#options);
      this.#status.set({ name: "disconnected" });
      await server.close(0);
      throw error;
    }
    server.onStateChange(() => this.#publish(server, since));
    this.#publish(server, since);
    this.#replicas.start(this.#options.connectTimeoutMs);
  }

  async disconnect(context: CallContext): Promise<void> {
    this.#status.set({ name: "closed" });
    this.#ledger.close();
    this.#source.close();
    const deadlineMs = context.deadline - performance.now() - GOODBYE_MS;
    await Promise.all([this.#server.close(deadlineMs), this.#replicas.close(deadlineMs)]);
  }

  get #isClosed(): boolean {
    return this.#status.state.name === "closed";
  }

  #publish(server: Server, since: number): void {
    if (server === this.#server) this.#status.set(stateOf(server.state, since, (error) => server.errorOf(error)));
  }

  #closed(): DatabaseErrorOf<"CLOSED"> {
    return new DatabaseErrorOf("CLOSED", `${this.name} is closed`, {});
  }
}

function sessionOver(server: () => Server, { namespace, database, abandonAfterMs }: RemoteOptions): RemoteSession {
  return new RemoteSession({
    home: { namespace, database },
    abandonAfterMs,
    lend: (context) => server().lend(context),
  });
}

/** Where calls go, as telemetry may tell it: the url may hold a password, its host and port do not. */
function targetOf({ url, namespace, database }: RemoteOptions): DriverTarget {
  const { hostname: address, port, protocol } = new URL(url);
  const usual = protocol === "wss:" || protocol === "https:" ? 443 : 80;
  return { system: "surrealdb", namespace: `${namespace}|${database}`, address, port: Number(port || usual) };
}
