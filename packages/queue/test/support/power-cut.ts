import { mkdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Call } from "./syscalls.ts";

/** A file as the kernel has it, and as the disk has it: since its last sync, nothing need have arrived. */
interface TracedFile {
  now: Buffer;
  synced: Buffer | undefined;
}

/**
 * A disk that keeps only what was synced: contents by the sync of their file, names by the sync of their folder. Plays calls
 * and can be cut off after each.
 */
export class Disk {
  readonly #files = new Map<string, TracedFile>();
  /** Names as the disk has them. */
  #names = new Map<string, TracedFile>();
  readonly said: string[] = [];

  play(call: Call): void {
    switch (call.name) {
      case "write": {
        const file = this.#file(call.path);
        const end = call.at + call.bytes.length;
        if (end > file.now.length) file.now = Buffer.concat([file.now, Buffer.alloc(end - file.now.length)]);
        else file.now = Buffer.from(file.now);
        call.bytes.copy(file.now, call.at);
        return;
      }
      case "truncate": {
        const file = this.#file(call.path);
        const grown = Buffer.alloc(call.length);
        file.now.copy(grown);
        file.now = grown;
        return;
      }
      case "sync": {
        const file = this.#files.get(call.path);
        if (file !== undefined) file.synced = file.now;
        // A folder: the names in it are what they are now.
        else this.#syncNames(call.path);
        return;
      }
      case "rename": {
        const file = this.#files.get(call.path);
        this.#files.delete(call.path);
        if (file !== undefined) this.#files.set(call.to, file);
        return;
      }
      case "unlink":
        this.#files.delete(call.path);
        return;
      default:
        this.said.push(call.line);
    }
  }

  /** Writes what is left after a power cut at this moment into a folder. */
  cut(folder: string): void {
    mkdirSync(folder, { recursive: true });
    for (const [path, { synced }] of this.#names)
      if (synced !== undefined) writeFileSync(join(folder, basename(path)), synced);
  }

  #file(path: string): TracedFile {
    const found = this.#files.get(path) ?? { now: Buffer.alloc(0), synced: undefined };
    this.#files.set(path, found);
    return found;
  }

  #syncNames(folder: string): void {
    const others = [...this.#names].filter(([path]) => dirname(path) !== folder);
    const own = [...this.#files].filter(([path]) => dirname(path) === folder);
    this.#names = new Map([...others, ...own]);
  }
}
