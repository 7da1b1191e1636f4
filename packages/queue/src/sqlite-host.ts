import { existsSync, mkdirSync, renameSync } from "node:fs";
import { dirname } from "node:path";
import { type MessagePort, receiveMessageOnPort, type Transferable } from "node:worker_threads";
import { type SqliteFault, toFault } from "./sqlite-fault.ts";
import { Damaged, type FileContents, SqliteFile } from "./sqlite-file.ts";
import { FileLock, Locked, type LockHolder } from "./sqlite-lock.ts";
import type { HeadChunk, StoreBatch } from "./store.ts";

export interface SqliteOptions {
  readonly path: string;
  readonly durability: "fsync" | "os";
  readonly onCorruption: "refuse" | "quarantine";
}

/** What the worker is asked for, and what it answers. */
export interface Requests {
  open: { readonly asks: SqliteOptions; readonly answers: FileContents & { readonly quarantined: readonly string[] } };
  scan: { readonly asks: number; readonly answers: HeadChunk | undefined };
  commit: { readonly asks: StoreBatch; readonly answers: undefined };
  read: { readonly asks: readonly number[]; readonly answers: readonly (Uint8Array | undefined)[] };
  tidy: { readonly asks: undefined; readonly answers: undefined };
  close: { readonly asks: undefined; readonly answers: undefined };
}
export type RequestName = keyof Requests;

export interface Request<N extends RequestName = RequestName> {
  readonly id: number;
  readonly name: N;
  readonly asks: Requests[N]["asks"];
}

export type Failure =
  | { readonly kind: "fault"; readonly fault: SqliteFault }
  | { readonly kind: "damaged"; readonly found: readonly string[] }
  | { readonly kind: "locked"; readonly holder: LockHolder | undefined };

export type Answer =
  | { readonly id: number; readonly value: Requests[RequestName]["answers"] }
  | { readonly id: number; readonly failure: Failure };

/** What a worker is started with. */
export interface HostData {
  readonly port: MessagePort;
  /** Counts requests; whoever changes it wakes the worker. */
  readonly bell: Int32Array;
}

/**
 * Does what the other end of the port asks for, one request after the other, until its thread is ended. Sleeps on the bell and not in an
 * event loop: that wakes it in half the time.
 */
export function serve({ port, bell }: HostData): never {
  const host = new Host();
  for (let heard = 0; ; ) {
    for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
      answer(port, host, next.message as Request);
    }
    Atomics.wait(bell, 0, heard);
    heard = Atomics.load(bell, 0);
  }
}

/** Runs one request. */
export function answer(port: MessagePort, host: Host, request: Request): void {
  const { id } = request;
  try {
    const value = host.run(request);
    port.postMessage({ id, value } satisfies Answer, transferable(value));
  } catch (error) {
    port.postMessage({ id, failure: failureOf(error) } satisfies Answer);
  }
}

/** The file and its lock, and what can be asked of them. */
export class Host {
  #file: SqliteFile | undefined;
  #lock: FileLock | undefined;

  run({ name, asks }: Request): Requests[RequestName]["answers"] {
    switch (name) {
      case "open":
        return this.#open(asks as SqliteOptions);
      case "scan":
        return this.#opened.scan(asks as number);
      case "commit":
        this.#opened.commit(asks as StoreBatch);
        return undefined;
      case "read":
        return this.#opened.read(asks as readonly number[]);
      case "tidy":
        this.#opened.tidy();
        return undefined;
      default:
        this.#close();
        return undefined;
    }
  }

  get #opened(): SqliteFile {
    if (this.#file === undefined) throw new Error("the file is not open");
    return this.#file;
  }

  #open({ path, durability, onCorruption }: SqliteOptions): Requests["open"]["answers"] {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    this.#lock = new FileLock(`${path}-lock`);
    try {
      return { ...this.#contents(path, durability), quarantined: [] };
    } catch (error) {
      if (onCorruption !== "quarantine" || !isDamage(error)) {
        this.#close();
        throw error;
      }
      this.#file?.close();
      const quarantined = moveAside(path);
      return { ...this.#contents(path, durability), quarantined };
    }
  }

  #contents(path: string, durability: "fsync" | "os"): FileContents {
    this.#file = SqliteFile.open(path, durability);
    return this.#file.contents();
  }

  #close(): void {
    try {
      this.#file?.close();
    } finally {
      this.#file = undefined;
      this.#lock?.release();
      this.#lock = undefined;
    }
  }
}

/** A file that is of another kind or version is not damaged, but is moved aside like one that is. */
function isDamage(error: unknown): boolean {
  return error instanceof Damaged || [11, 26].includes(toFault(error).code & 0xff);
}

/** Returns the new names. */
function moveAside(path: string): readonly string[] {
  const stamp = new Date().toISOString().replaceAll(":", "-");
  const moved: string[] = [];
  for (const suffix of ["", "-wal", "-shm"]) {
    if (!existsSync(`${path}${suffix}`)) continue;
    const aside = `${path}.damaged-${stamp}${suffix}`;
    renameSync(`${path}${suffix}`, aside);
    moved.push(aside);
  }
  return moved;
}

function failureOf(error: unknown): Failure {
  if (error instanceof Locked) return { kind: "locked", holder: error.holder };
  if (error instanceof Damaged) return { kind: "damaged", found: error.found };
  return { kind: "fault", fault: toFault(error) };
}

function transferable(value: Requests[RequestName]["answers"]): Transferable[] {
  if (value === undefined || !("heads" in value)) return [];
  return [value.heads.buffer, value.seqs.buffer, value.sizes.buffer] as Transferable[];
}
