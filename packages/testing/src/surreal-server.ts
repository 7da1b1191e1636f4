import { createServer, type IncomingMessage, type Server } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { setTimeout } from "node:timers/promises";
import { WebSocketServer } from "ws";
import { type Listeners, SurrealClient } from "./surreal-client.ts";
import { RawEngine } from "./surreal-engine.ts";
import { FaultState } from "./surreal-fault-state.ts";
import { MAX_MESSAGE_BYTES, type SurrealFaults } from "./surreal-faults.ts";
import { SurrealHttp } from "./surreal-http.ts";
import { listen } from "./surreal-listen.ts";
import type { ServeSurrealOptions, SurrealStats } from "./surreal-options.ts";
import { defineRootUser } from "./surreal-root-user.ts";
import { SurrealSocket } from "./surreal-socket.ts";

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
 * Serves SurrealDB's RPC protocol on the loopback interface, over the SDK's embedded engine. A rocksdb path opens once a
 * process, and after DEFINE INDEX the engine keeps the process (both 3.0.2): give each server a process of its own, as
 * `startSurreal` does.
 * @throws Error when the engine cannot open, or the port is in use (`code: "EADDRINUSE"`)
 */
export async function serveSurreal(options: ServeSurrealOptions): Promise<ServedSurreal> {
  const listeners: Listeners = new Map();
  const url = options.engine === "mem" ? "mem://" : `${options.engine}://${options.path}`;
  const engine = await RawEngine.open(url, (notification) => listeners.get(notification.session)?.(notification));
  const version = String(await engine.version());
  const server = new Serving(engine, version, options, listeners);
  await server.fault({ password: options.password, ...options.faults });
  await server.listen(options.port);
  return server;
}

class Serving implements ServedSurreal {
  port = 0;
  readonly version: string;
  readonly #engine: RawEngine;
  readonly #options: ServeSurrealOptions;
  readonly #listeners: Listeners;
  readonly #faults = new FaultState();
  readonly #sockets = new Set<SurrealSocket>();
  readonly #server: Server;
  readonly #upgrades = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    handleProtocols: () => "cbor",
  });

  constructor(engine: RawEngine, version: string, options: ServeSurrealOptions, listeners: Listeners) {
    this.#engine = engine;
    this.version = version;
    this.#options = options;
    this.#listeners = listeners;
    const http = new SurrealHttp({ engine, faults: this.#faults, version });
    this.#server = createServer((request, response) => http.serve(request, response));
    this.#server.on("upgrade", (request, stream, head) => this.#upgrade(request, stream, head));
  }

  async listen(port: number): Promise<void> {
    this.port = await listen(this.#server, port);
  }

  async fault(faults: Partial<SurrealFaults>): Promise<void> {
    this.#faults.set(faults);
    const { user, password } = this.#options;
    const { now } = this.#faults;
    if ("password" in faults || "tokenTtlMs" in faults || "sessionTtlMs" in faults)
      await defineRootUser(this.#engine, { ...now, user, password: now.password ?? password });
    for (const socket of this.#sockets) {
      socket.applyReading();
      if (faults.expireSessions) for (const session of socket.client.sessions) session.expire();
      if (faults.dropSockets !== undefined) socket.drop(faults.dropSockets);
    }
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
    this.#server.close();
    const limit = new AbortController();
    const late = setTimeout(drainMs, false, { signal: limit.signal }).catch(() => false);
    const drained = await Promise.race([this.#drain().then(() => true), late]);
    limit.abort();
    this.#server.closeAllConnections();
    for (const socket of this.#sockets) socket.drop("end");
    if (drained) await this.#engine.close();
    return drained;
  }

  async #drain(): Promise<void> {
    await this.#engine.idle();
    for (const socket of this.#sockets) socket.drop("close");
    await Promise.all([...this.#sockets].map((socket) => socket.gone));
    await this.#engine.idle();
  }

  async #upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): Promise<void> {
    // Until the handshake nobody listens for the client going away.
    const ignore = (): void => {};
    stream.on("error", ignore);
    if (!this.#faults.dial()) (stream as Socket).resetAndDestroy();
    else if (request.url !== "/rpc" || !/\bcbor\b/.test(request.headers["sec-websocket-protocol"] ?? ""))
      stream.end("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    else {
      const client = await SurrealClient.open(this.#engine, this.#listeners);
      if (stream.destroyed) await client.close();
      else
        this.#upgrades.handleUpgrade(request, stream, head, (socket) => {
          stream.off("error", ignore);
          const served = new SurrealSocket(socket, stream as Socket, client, this.#faults);
          this.#sockets.add(served);
          served.gone.finally(() => this.#sockets.delete(served)).catch(warn);
        });
    }
  }
}

/** What a client left behind could not be given back; the server goes on. */
function warn(error: unknown): void {
  process.emitWarning(`cleaning up after a socket failed: ${String(error)}`, "SurrealServerWarning");
}
