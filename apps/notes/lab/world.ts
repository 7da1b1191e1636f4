import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { FaultProxy, type SurrealServer, startSurreal } from "@db/testing";
import { freePort } from "./free-port.ts";
import { Service } from "./service.ts";
import { Standstill } from "./standstill.ts";

export interface WorldOptions {
  /** How long an outage may last before requests are refused. */
  readonly limitMs: number;
  /** 0 takes any that is free. */
  readonly port: number;
  /** Where the service reaches the lab; shown on its page. */
  readonly labUrl: string;
  readonly signal: AbortSignal;
}

/** The database in a process of its own, the proxy before it, and the service, also in its own. */
export class World implements AsyncDisposable {
  readonly limitMs: number;
  readonly database: SurrealServer;
  readonly proxy: FaultProxy;
  readonly service: Service;
  readonly standstill: Standstill = new Standstill();
  readonly #folder: string;
  readonly #signal: AbortSignal;

  static async start(options: WorldOptions): Promise<World> {
    const folder = await mkdtemp(join(tmpdir(), "notes-lab-"));
    const stack = new AsyncDisposableStack();
    stack.defer(() => rm(folder, { recursive: true, force: true }));
    try {
      const database = stack.use(await startSurreal({ engine: "rocksdb" }));
      const proxy = stack.use(await FaultProxy.start({ target: { port: database.port } }));
      const service = new Service(options.port === 0 ? await freePort() : options.port, {
        SURREAL_URL: proxy.url(database.url),
        SURREAL_USER: "root",
        SURREAL_PASS: "root",
        DB_UNAVAILABLE_TIMEOUT: String(options.limitMs / 1_000),
        DB_OPERATION_TIMEOUT: "5",
        DRAIN_DELAY: "0",
        LOG_LEVEL: "silent",
        DATA_DIR: folder,
        LAB_URL: options.labUrl,
      });
      await service.start();
      stack.move();
      return new World({ ...options, folder, database, proxy, service });
    } catch (error) {
      await stack.disposeAsync();
      throw error;
    }
  }

  private constructor(
    parts: WorldOptions & {
      readonly folder: string;
      readonly database: SurrealServer;
      readonly proxy: FaultProxy;
      readonly service: Service;
    },
  ) {
    this.limitMs = parts.limitMs;
    this.database = parts.database;
    this.proxy = parts.proxy;
    this.service = parts.service;
    this.#folder = parts.folder;
    this.#signal = parts.signal;
  }

  /**
   * Ends at once when the lab is to end. What the lab stands still is waited for again: the service may have stood still as
   * well, and an outage past the limit has to be one for it too.
   */
  readonly wait = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; ) {
      const before = this.standstill.totalMs;
      await sleep(left, undefined, { signal: this.#signal });
      left = this.standstill.totalMs - before;
    }
  };

  async [Symbol.asyncDispose](): Promise<void> {
    this.standstill[Symbol.dispose]();
    await this.service.stop();
    await this.proxy.close();
    await this.database.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
