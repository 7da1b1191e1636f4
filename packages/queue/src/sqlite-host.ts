import { existsSync, renameSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname } from "node:path";
import { type MessagePort, receiveMessageOnPort, type Transferable } from "node:worker_threads";
import { type SqliteFault, toFault } from "./sqlite-fault.ts";
import { Damaged, type FileContents, Foreign, makeFolder, SqliteFile } from "./sqlite-file.ts";
import { FileLock, Locked, type LockHolder, placeOf } from "./sqlite-lock.ts";
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
  | { readonly kind: "foreign"; readonly found: readonly string[] }
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
 * event loop: that wakes it in half the time; and stays awake for a tenth of a millisecond before it sleeps.
 */
export function serve({ port, bell }: HostData): never {
  const host = new Host();
  for (let heard = 0; ; ) {
    for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
      answer(port, host, next.message as Request);
    }
    if (!rings(bell, heard)) Atomics.wait(bell, 0, heard);
    heard = Atomics.load(bell, 0);
  }
}

/** Whether somebody rings soon: whoever was answered comes back sooner than a thread that sleeps is woken. */
function rings(bell: Int32Array, heard: number): boolean {
  const until = performance.now() + AWAKE_MS;
  while (Atomics.load(bell, 0) === heard) if (performance.now() >= until) return false;
  return true;
}

/** With one processor it would be awake in place of who rings. */
const AWAKE_MS: number = availableParallelism() > 1 ? 0.1 : 0;

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

  #open({ path: name, durability, onCorruption }: SqliteOptions): Requests["open"]["answers"] {
    makeFolder(dirname(name));
    const path = placeOf(name);
    this.#lock = new FileLock(`${path}-lock`);
    try {
      return { ...this.#contents(path, durability), quarantined: [] };
    } catch (error) {
      if (onCorruption !== "quarantine" || !isDamage(error)) {
        this.#close();
        throw error;
      }
      this.#file?.close();
      this.#file = undefined;
      return this.#anew(path, durability);
    }
  }

  #anew(path: string, durability: "fsync" | "os"): Requests["open"]["answers"] {
    const moved = moveAside(path);
    try {
      return { ...this.#contents(path, durability), quarantined: [...moved.values()] };
    } catch (error) {
      try {
        this.#file?.close();
        this.#file = undefined;
        // Else the next open would find no file, and begin an empty queue without a word.
        moveBack(path, moved);
      } finally {
        this.#close();
      }
      throw error;
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

function isDamage(error: unknown): boolean {
  if (error instanceof Damaged) return !(error instanceof Foreign);
  return [11, 26].includes(toFault(error).code & 0xff);
}

const SUFFIXES = ["", "-wal", "-shm"];

/** Returns the new names by the old ones. */
function moveAside(path: string): ReadonlyMap<string, string> {
  const stamp = new Date().toISOString().replaceAll(":", "-");
  const moved = new Map<string, string>();
  for (const suffix of SUFFIXES) {
    if (!existsSync(`${path}${suffix}`)) continue;
    const aside = `${path}.damaged-${stamp}${suffix}`;
    renameSync(`${path}${suffix}`, aside);
    moved.set(`${path}${suffix}`, aside);
  }
  return moved;
}

function moveBack(path: string, moved: ReadonlyMap<string, string>): void {
  // Those of the new one, which has nothing yet: its log must not be taken for that of the old.
  for (const suffix of SUFFIXES) rmSync(`${path}${suffix}`, { force: true });
  for (const [name, aside] of moved) renameSync(aside, name);
}

function failureOf(error: unknown): Failure {
  if (error instanceof Locked) return { kind: "locked", holder: error.holder };
  if (error instanceof Foreign) return { kind: "foreign", found: error.found };
  if (error instanceof Damaged) return { kind: "damaged", found: error.found };
  return { kind: "fault", fault: toFault(error) };
}

function transferable(value: Requests[RequestName]["answers"]): Transferable[] {
  if (value === undefined || !("heads" in value)) return [];
  return [value.heads.buffer, value.seqs.buffer, value.sizes.buffer] as Transferable[];
}
