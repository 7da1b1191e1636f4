import type { Server, Socket } from "node:net";
import { checkInteger, checkKeys, expected } from "@db/core";
import { checkFault, type Fault, type FaultName } from "./fault-proxy-fault.ts";
import { FaultLink, type FaultTarget } from "./fault-proxy-link.ts";
import { listen } from "./fault-proxy-port.ts";

/** What `FaultProxy.start` takes. */
export interface FaultProxyOptions {
  /** Where connections lead: anything with a `port`, and a `host` if it is not this machine. */
  readonly target: FaultTarget;
  /** Where to listen, on 127.0.0.1 only: 0..65,535. Default 0: a free one, which stays the same for the proxy's life. */
  readonly port?: number;
  /** What goes wrong from the start. Default `up`. */
  readonly fault?: Fault | FaultName;
}

/** For which connections a fault is set. */
export interface FaultSetOptions {
  /**
   * Whom the fault meets. `new`: connections from now on; `existing`: those that are open now, and nobody else, so that
   * `reset` cuts once. Default `all`.
   */
  readonly on?: "all" | "new" | "existing";
}

/** What went through a proxy. Counts are since its start, `open` is of now. */
export interface FaultProxyStats {
  /** Connections accepted so far. Those that `refuse` turned away never reached the proxy and are not among them. */
  readonly dials: number;
  /** Connections that are not yet closed on both sides. */
  readonly open: number;
  /** Dials to the target that failed: their clients got a reset. */
  readonly targetFailures: number;
  /** Bytes passed on, from clients to the target and back. */
  readonly bytes: { readonly requests: number; readonly answers: number };
}

/**
 * A TCP proxy on loopback that makes the network fail on demand, for whatever protocol. Nothing fails until it is told to;
 * every fault can be set and lifted at any time. What waits in it is bounded (about half a megabyte for a connection and
 * direction), so a slow reader slows the writer down.
 */
export class FaultProxy implements AsyncDisposable {
  readonly port: number;
  readonly #target: FaultTarget;
  readonly #links = new Set<FaultLink>();
  readonly #count = { dials: 0, targetFailures: 0, requests: 0, answers: 0 };
  #fault: Fault;
  #server: Server | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;
  #onEmpty: () => void = () => {};

  /**
   * Listens from the moment it resolves.
   * @throws TypeError for a wrong option; an Error if the port is taken
   */
  static async start(options: FaultProxyOptions): Promise<FaultProxy> {
    checkKeys("FaultProxy", options, ["target", "port", "fault"]);
    const { target, port = 0, fault = "up" } = options;
    checkInteger("port", port, 0, 65_535);
    if (typeof target !== "object" || target === null) throw expected("target", "an object with a port", target);
    checkInteger("target.port", target.port, 1, 65_535);
    const checked = checkFault(fault);
    const server = await listen(port);
    const proxy = new FaultProxy(target, checked, server);
    await proxy.#settlePort();
    return proxy;
  }

  private constructor(target: FaultTarget, fault: Fault, server: Server) {
    this.#target = target;
    this.#fault = fault;
    this.#server = server;
    server.on("connection", (client) => this.#accept(client));
    this.port = (server.address() as { readonly port: number }).port;
  }

  /** What new connections meet. */
  get fault(): Fault {
    return this.#fault;
  }

  /** The same URL through the proxy: `proxy.url("ws://127.0.0.1:8000/rpc")`. */
  url(direct: string): string {
    const url = new URL(direct);
    url.hostname = "127.0.0.1";
    url.port = String(this.port);
    return url.href;
  }

  /**
   * Resolves once the fault is in force. Bytes that are on their way come under it too.
   * @throws TypeError for a fault that is unknown or wrong; an Error if the port, closed by `refuse`, was taken meanwhile
   */
  async set(fault: Fault | FaultName, options: FaultSetOptions = {}): Promise<void> {
    checkKeys("set", options, ["on"]);
    const { on = "all" } = options;
    const checked = checkFault(fault);
    if (!["all", "new", "existing"].includes(on)) throw expected("on", '"all", "new" or "existing"', on);
    if (checked.kind === "refuse" && on === "existing") {
      throw new TypeError('refuse: expected on to be "all" or "new", got "existing": it is new connections it refuses');
    }
    if (this.#closing !== undefined) throw new Error("FaultProxy: expected an open proxy, got one that is closed");
    if (on !== "existing") this.#fault = checked;
    if (on !== "new") for (const link of [...this.#links]) link.set(checked);
    await this.#settlePort();
  }

  stats(): FaultProxyStats {
    const { dials, targetFailures, requests, answers } = this.#count;
    return { dials, open: this.#links.size, targetFailures, bytes: { requests, answers } };
  }

  /** Resets every connection and frees the port. May be called again. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    for (const link of [...this.#links]) link.reset();
    await this.#settlePort();
    await new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
      if (this.#links.size === 0) resolve();
    });
  }

  #accept(client: Socket): void {
    // The port may have been about to open when the proxy was closed.
    if (this.#closing !== undefined) {
      client.resetAndDestroy();
      return;
    }
    this.#count.dials += 1;
    const link = new FaultLink(client, this.#target, this.#fault, {
      passed: (direction, bytes) => {
        this.#count[direction] += bytes;
      },
      targetFailed: () => {
        this.#count.targetFailures += 1;
      },
      closed: () => {
        this.#links.delete(link);
        if (this.#links.size === 0) this.#onEmpty();
      },
    });
    this.#links.add(link);
  }

  /** One change at a time, each by what holds at its turn: of several the last is what stays. */
  #settlePort(): Promise<void> {
    const change = async (): Promise<void> => {
      const wanted = this.#closing === undefined && this.#fault.kind !== "refuse";
      if (wanted && this.#server === undefined) {
        this.#server = await listen(this.port);
        this.#server.on("connection", (client) => this.#accept(client));
      } else if (!wanted) {
        // Closed from here on; its callback would wait for the connections too.
        this.#server?.close();
        this.#server = undefined;
      }
    };
    const turn = this.#turn.then(change, change);
    this.#turn = turn;
    return turn;
  }
}
