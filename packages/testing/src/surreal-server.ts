import { createServer, type IncomingMessage, type Server } from "node:http";
import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { WebSocketServer } from "ws";
import { type Listeners, SurrealClient } from "./surreal-client.ts";
import { RawEngine } from "./surreal-engine.ts";
import { FaultState } from "./surreal-fault-state.ts";
import { MAX_MESSAGE_BYTES, type SurrealFaults } from "./surreal-faults.ts";
import { SurrealHttp } from "./surreal-http.ts";
import { listen } from "./surreal-listen.ts";
import { type CheckedOptions, checkServe, type ServeSurrealOptions, type SurrealStats } from "./surreal-options.ts";
import { defineRootUser, type RootUser } from "./surreal-root-user.ts";
import { SurrealSocket } from "./surreal-socket.ts";

/** As the real server does. */
const PING_INTERVAL_MS = 5_000;

/** A server of SurrealDB's protocol in this process. */
export interface ServedSurreal {
  readonly port: number;
  /** As the engine tells it: `surrealdb-3.0.2`. */
  readonly version: string;
  /** Switches faults on or off; those that are not named stay as they are. */
  fault(faults: Partial<SurrealFaults>): Promise<void>;
  stats(): SurrealStats;
  /**
   * Takes no more, waits for what is under way for at most `drainMs`, closes the engine. Resolves to whether all was done;
   * if not, the engine stays open, since closing it under load can abort the process.
   */
  close(drainMs: number): Promise<boolean>;
}

/**
 * Serves SurrealDB's RPC protocol, on the loopback interface unless told, over the SDK's embedded engine. A rocksdb path
 * opens once a process, and after DEFINE INDEX the engine keeps the process (both 3.0.2): give each server a process of its own, as
 * `startSurreal` does.
 * @throws TypeError for an option that is unknown or wrong
 * @throws Error when the engine cannot open, or the port is in use (`code: "EADDRINUSE"`)
 */
export async function serveSurreal(options: ServeSurrealOptions = {}): Promise<ServedSurreal> {
  const checked = checkServe(options);
  const listeners: Listeners = new Map();
  const url = `${checked.engine}://${checked.path ?? ""}`;
  const engine = await RawEngine.open(url, (notification) => listeners.get(notification.listener)?.(notification));
  try {
    const server = new Serving(engine, String(await engine.version()), checked, listeners);
    await server.fault(checked.faults);
    await server.listen();
    return server;
  } catch (error) {
    await engine.close();
    throw error;
  }
}

class Serving implements ServedSurreal {
  port = 0;
  #pings: NodeJS.Timeout | undefined;
  #root: RootUser | undefined;
  readonly version: string;
  readonly #engine: RawEngine;
  readonly #options: CheckedOptions;
  readonly #listeners: Listeners;
  readonly #faults = new FaultState();
  readonly #sockets = new Set<SurrealSocket>();
  readonly #server: Server;
  readonly #upgrades = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    handleProtocols: () => "cbor",
  });

  constructor(engine: RawEngine, version: string, options: CheckedOptions, listeners: Listeners) {
    this.#engine = engine;
    this.version = version;
    this.#options = options;
    this.#listeners = listeners;
    const http = new SurrealHttp({ engine, faults: this.#faults, version });
    this.#server = createServer((request, response) => http.serve(request, response));
    this.#server.on("upgrade", (request, stream, head) => {
      // Until the handshake nobody else hears that the client went away.
      stream.on("error", () => {});
      this.#upgrade(request, stream as Socket, head).catch(warn);
    });
  }

  async listen(): Promise<void> {
    this.port = await listen(this.#server, this.#options.port, this.#options.host);
    this.#pings = setInterval(() => {
      for (const socket of this.#sockets) socket.ping();
    }, PING_INTERVAL_MS).unref();
  }

  async fault(faults: Partial<SurrealFaults>): Promise<void> {
    this.#faults.set(faults);
    await this.#defineRoot();
    for (const socket of this.#sockets) {
      socket.applyReading();
      if (faults.expireSessions) for (const session of socket.client.sessions) session.expire();
      if (faults.dropSockets !== undefined) socket.drop(faults.dropSockets);
    }
  }

  /** Hashing a password takes a while, so the user is written only when it changes. */
  async #defineRoot(): Promise<void> {
    const { user, password } = this.#options;
    const { password: other, tokenTtlMs, sessionTtlMs } = this.#faults.now;
    const root = { user, password: other ?? password, tokenTtlMs, sessionTtlMs };
    if (isDeepStrictEqual(root, this.#root)) return;
    await defineRootUser(this.#engine, root);
    this.#root = root;
  }

  stats(): SurrealStats {
    const { requests, dials } = this.#faults;
    const total = { sockets: this.#sockets.size, sessions: 0, transactions: 0, live: 0, requests, dials };
    for (const { client } of this.#sockets) {
      total.sessions += client.counts.sessions;
      total.transactions += client.counts.transactions;
      total.live += client.counts.live;
    }
    return total;
  }

  async close(drainMs: number): Promise<boolean> {
    clearInterval(this.#pings);
    const limit = new AbortController();
    const late = delay(drainMs, false, { signal: limit.signal }).catch(() => false);
    const drained = await Promise.race([this.#drain().then(() => true), late]);
    limit.abort();
    this.#server.closeAllConnections();
    for (const socket of this.#sockets) socket.drop("end");
    if (drained) await this.#engine.close();
    return drained;
  }

  /** Requests that came are answered, over HTTP too; then the sockets are closed, and what their clients own is given back. */
  async #drain(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    await Promise.all([...this.#sockets].map((socket) => socket.idle()));
    for (const socket of this.#sockets) socket.drop("close");
    await Promise.all([...this.#sockets].map((socket) => socket.gone));
    await closed;
    await this.#engine.idle();
  }

  async #upgrade(request: IncomingMessage, stream: Socket, head: Buffer): Promise<void> {
    if (!this.#faults.dial()) stream.resetAndDestroy();
    else if (request.url !== "/rpc" || !/\bcbor\b/.test(request.headers["sec-websocket-protocol"] ?? ""))
      stream.end(`${refuse("400 Bad Request")}expected /rpc and the subprotocol cbor`);
    else if (!isOwn(request.headers.origin)) stream.end(`${refuse("403 Forbidden")}expected a page of this machine`);
    else {
      const client = await SurrealClient.open(this.#engine, this.#listeners);
      let served: SurrealSocket | undefined;
      if (!stream.destroyed)
        this.#upgrades.handleUpgrade(request, stream, head, (socket) => {
          served = new SurrealSocket(socket, stream, client, this.#faults);
        });
      // It calls back at once, or has answered that the handshake is not one.
      if (served === undefined) await client.close();
      else await this.#follow(served);
    }
  }

  async #follow(socket: SurrealSocket): Promise<void> {
    this.#sockets.add(socket);
    try {
      await socket.gone;
    } finally {
      this.#sockets.delete(socket);
    }
  }
}

/** Any page in a browser on this machine can dial a port here; those of other hosts are kept out. */
function isOwn(origin: string | undefined): boolean {
  return origin === undefined || /^https?:\/\/(localhost|127\.0\.0\.1)(:\d+)?$/.test(origin);
}

function refuse(status: string): string {
  return `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-type: text/plain\r\n\r\n`;
}

/** What a client left behind could not be given back; the server goes on. */
function warn(error: unknown): void {
  process.emitWarning(`cleaning up after a socket failed: ${String(error)}`, "SurrealServerWarning");
}
