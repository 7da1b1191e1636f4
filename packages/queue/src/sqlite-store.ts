import { resolve } from "node:path";
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import { type DatabaseError, DatabaseErrorOf, withTimeout } from "@db/core";
import { damaged, foreign, fromFault } from "./sqlite-errors.ts";
import type { Answer, Failure, HostData, Request, RequestName, Requests, SqliteOptions } from "./sqlite-host.ts";
import type { HeadChunk, OpenedStore, QueueStore, StoreBatch } from "./store.ts";

interface Pending {
  readonly name: RequestName;
  readonly resolve: (value: never) => void;
  readonly reject: (error: DatabaseError) => void;
}

const CLOSE_TIMEOUT_MS = 10_000;
const TERMINATE_TIMEOUT_MS = 5_000;

/** From source or from `dist`, the worker stands beside this file. */
const WORKER = new URL(import.meta.url.endsWith(".ts") ? "./sqlite-worker.ts" : "./sqlite-worker.js", import.meta.url);

/** Entries in one SQLite file, which a worker thread owns: nothing here waits for a disk. */
export class SqliteStore implements QueueStore {
  readonly durability: "fsync" | "os";
  readonly #options: SqliteOptions;
  readonly #pending = new Map<number, Pending>();
  readonly #bell = new Int32Array(new SharedArrayBuffer(4));
  readonly #lost = new AbortController();
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
    worker.on("exit", (code) => this.#broken(new Error(`the thread has ended with code ${code}`)));
    this.#worker = worker;
    this.#port = port1;
    const { notes, outcomes, meta, quarantined } = await this.#ask("open", this.#options);
    return { entries: this.#scan(), notes, outcomes, meta, quarantined, lost: this.#lost.signal };
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
    this.#worker = undefined;
    try {
      // A thread that has died has let go of the file.
      if (this.#port !== undefined)
        await withTimeout(() => this.#ask("close", undefined), { timeoutMs: CLOSE_TIMEOUT_MS });
    } catch (error) {
      this.#broken(error);
      throw this.#lost.signal.reason;
    } finally {
      this.#port?.close();
      this.#port = undefined;
      // One that hangs in a call of the kernel ends when that does; by now it has nothing, or that is told.
      await withTimeout(() => worker.terminate(), { timeoutMs: TERMINATE_TIMEOUT_MS }).catch(() => {});
    }
  }

  async *#scan(): AsyncGenerator<HeadChunk> {
    let from = 0;
    for (;;) {
      const chunk = await this.#ask("scan", from);
      if (chunk === undefined) return;
      yield chunk;
      from = (chunk.seqs.at(-1) as number) + 1;
    }
  }

  #ask<N extends RequestName>(name: N, asks: Requests[N]["asks"]): Promise<Requests[N]["answers"]> {
    const port = this.#port;
    if (port === undefined) return Promise.reject(this.#lost.signal.reason ?? this.#failed("the queue is not open"));
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
    if (failure.kind === "foreign") return foreign(path, failure.found);
    if (failure.kind === "fault")
      return fromFault(failure.fault, path, name === "commit" || name === "read" ? name : "open");
    const { holder } = failure;
    const by =
      holder === undefined ? "another process" : `the process ${holder.pid} on ${holder.host}, since ${holder.since}`;
    return new DatabaseErrorOf("DATABASE_LOCKED", `${path} is in use by ${by}`, { path });
  }

  /** The thread is gone. What it had answered holds; of what it was committing nobody can tell. */
  #broken(cause: unknown): void {
    const port = this.#port;
    if (port === undefined) return;
    for (let last = receiveMessageOnPort(port); last !== undefined; last = receiveMessageOnPort(port))
      this.#settle(last.message as Answer);
    port.close();
    this.#port = undefined;
    const message = "the thread that stores the queue has died, or does not answer";
    const lost = this.#failed(`${message}; what was acknowledged is there when the queue is opened again`, cause);
    for (const { name, reject } of this.#pending.values()) {
      const details = { effect: "unknown", cause } as const;
      reject(
        name === "commit" ? new DatabaseErrorOf("DURABILITY_UNKNOWN", message, { operationId: "" }, details) : lost,
      );
    }
    this.#pending.clear();
    this.#lost.abort(lost);
  }

  #failed(message: string, cause?: unknown): DatabaseError {
    const { path } = this.#options;
    return new DatabaseErrorOf("STORAGE_FAILED", `${path}: ${message}`, { path }, { cause });
  }
}
