import { resolve } from "node:path";
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { type DatabaseError, DatabaseErrorOf, withTimeout } from "@db/core";
import { damaged, fromFault } from "./sqlite-errors.ts";
import type { Answer, Failure, HostData, Request, RequestName, Requests, SqliteOptions } from "./sqlite-host.ts";
import type { HeadChunk, OpenedStore, QueueStore, StoreBatch } from "./store.ts";

interface Pending {
  readonly name: RequestName;
  readonly resolve: (value: never) => void;
  readonly reject: (error: DatabaseError) => void;
}

const CLOSE_TIMEOUT_MS = 10_000;

/** From source or from `dist`, the worker stands beside this file. */
const WORKER = new URL(import.meta.url.endsWith(".ts") ? "./sqlite-worker.ts" : "./sqlite-worker.js", import.meta.url);

/** Entries in one SQLite file, which a worker thread owns: nothing here waits for a disk. */
export class SqliteStore implements QueueStore {
  readonly durability: "fsync" | "os";
  readonly #options: SqliteOptions;
  readonly #pending = new Map<number, Pending>();
  readonly #bell = new Int32Array(new SharedArrayBuffer(4));
  #worker: Worker | undefined;
  #port: MessagePort | undefined;
  #nextId = 1;

  constructor(options: SqliteOptions) {
    this.#options = { ...options, path: resolve(options.path) };
    this.durability = options.durability;
  }

  async open(): Promise<OpenedStore> {
    // The program's own flags, --eval or --import for example, are not for this thread.
    const { port1, port2 } = new MessageChannel();
    const data: HostData = { port: port2, bell: this.#bell };
    const worker = new Worker(WORKER, { execArgv: [], name: "db-queue", workerData: data, transferList: [port2] });
    worker.unref();
    port1.on("message", (answer: Answer) => this.#settle(answer));
    worker.on("error", (error) => this.#broken(error));
    worker.on("exit", () => this.#broken(new Error("the thread has ended")));
    this.#worker = worker;
    this.#port = port1;
    const { notes, outcomes, meta, quarantined } = await this.#ask("open", this.#options);
    return { entries: this.#scan(), notes, outcomes, meta, quarantined };
  }

  async commit(batch: StoreBatch): Promise<void> {
    await this.#ask("commit", batch);
  }

  /** The worker reads it where it is. */
  allocate(bytes: number): Buffer {
    return Buffer.from(new SharedArrayBuffer(bytes));
  }

  read(seqs: readonly number[]): Promise<readonly (Uint8Array | undefined)[]> {
    return this.#ask("read", seqs);
  }

  async tidy(): Promise<void> {
    await this.#ask("tidy", undefined);
  }

  async close(): Promise<void> {
    const worker = this.#worker;
    if (worker === undefined) return;
    try {
      // A disk that hangs must not hang the caller; what is committed is there all the same.
      await withTimeout(() => this.#ask("close", undefined), { timeoutMs: CLOSE_TIMEOUT_MS });
    } finally {
      this.#port?.close();
      this.#port = undefined;
      this.#worker = undefined;
      await worker.terminate();
    }
  }

  async *#scan(): AsyncGenerator<HeadChunk> {
    let from = 0;
    for (;;) {
      const chunk = await this.#ask("scan", from);
      if (chunk === undefined) return;
      yield chunk;
      from = (chunk.seqs.at(-1) ?? 0) + 1;
    }
  }

  #ask<N extends RequestName>(name: N, asks: Requests[N]["asks"]): Promise<Requests[N]["answers"]> {
    const port = this.#port;
    if (port === undefined) return Promise.reject(this.#failed("the queue is not open"));
    return new Promise((resolve, reject) => {
      const id = this.#nextId;
      this.#nextId += 1;
      // An idle queue keeps no process alive; one that is storing does.
      if (this.#pending.size === 0) port.ref();
      this.#pending.set(id, { name, resolve, reject });
      const request: Request<N> = { id, name, asks };
      port.postMessage(request);
      Atomics.add(this.#bell, 0, 1);
      Atomics.notify(this.#bell, 0);
    });
  }

  #settle(answer: Answer): void {
    const pending = this.#pending.get(answer.id);
    if (pending === undefined) return;
    this.#pending.delete(answer.id);
    if (this.#pending.size === 0) this.#port?.unref();
    if ("failure" in answer) pending.reject(this.#toError(answer.failure, pending.name));
    else pending.resolve(answer.value as never);
  }

  #toError(failure: Failure, name: RequestName): DatabaseError {
    const { path } = this.#options;
    if (failure.kind === "damaged") return damaged(path, failure.found);
    if (failure.kind === "fault")
      return fromFault(failure.fault, path, name === "commit" || name === "read" ? name : "open");
    const { holder } = failure;
    const by =
      holder === undefined ? "another process" : `the process ${holder.pid} on ${holder.host}, since ${holder.since}`;
    return new DatabaseErrorOf("DATABASE_LOCKED", `${path} is in use by ${by}`, { path });
  }

  /** Of what was being committed nobody can tell. */
  #broken(cause: Error): void {
    this.#port?.close();
    this.#port = undefined;
    for (const { name, reject } of this.#pending.values()) {
      const details = { effect: "unknown", cause } as const;
      const message = "the thread that stores the queue has died";
      reject(
        name === "commit"
          ? new DatabaseErrorOf("DURABILITY_UNKNOWN", message, { operationId: "" }, details)
          : this.#failed(message),
      );
    }
    this.#pending.clear();
  }

  #failed(message: string): DatabaseError {
    const { path } = this.#options;
    return new DatabaseErrorOf("STORAGE_FAILED", `${path}: ${message}`, { path });
  }
}
