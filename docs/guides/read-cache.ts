import {
  type CallContext,
  checkDuration,
  checkInteger,
  checkKeys,
  copyValue,
  type Execute,
  type Handlers,
  type Layer,
  type OperationOf,
  override,
  type Row,
  type Scope,
  type WriteKind,
} from "@db/core";

export interface ReadCacheOptions {
  /** How long a record is answered from memory, in milliseconds. Bounds what others write unseen. Default 1,000. */
  readonly maxAgeMs?: number;
  /** Records held at most, 1..1,000,000; the oldest goes first. Default 10,000. */
  readonly maxRecords?: number;
}

interface Held {
  readonly row: Row;
  readonly until: number;
}

/** Answers `read` from memory; sees the writes of its own service before they are acknowledged. */
export class ReadCache {
  hits = 0;
  readonly #maxAgeMs: number;
  readonly #maxRecords: number;
  readonly #held = new Map<string, Held>();
  /** Counts what has been forgotten: a read that began before must not put back what it found. */
  #forgotten = 0;

  /** @throws TypeError for an option that is unknown or wrong */
  constructor(options: ReadCacheOptions = {}) {
    checkKeys("ReadCache", options, ["maxAgeMs", "maxRecords"]);
    this.#maxAgeMs = checkDuration("maxAgeMs", options.maxAgeMs ?? 1_000);
    this.#maxRecords = checkInteger("maxRecords", options.maxRecords ?? 10_000, 1, 1_000_000);
  }

  readonly layer: Layer = (next, host) => {
    host.onClose(async () => this.#held.clear());
    return override(next, this.#handlers(next));
  };

  #handlers(next: Execute): Partial<Handlers> {
    const write = <K extends WriteKind>(operation: OperationOf<K>, context: CallContext) =>
      // Also after a failure: `effect: "unknown"` may have been written.
      next(operation, context).finally(() => this.#forget(keyOf(operation.id, context.scope)));
    return {
      create: write,
      update: write,
      delete: write,
      transaction: (operation, context) => next(operation, context).finally(() => this.#forget()),
      query: (operation, context) =>
        operation.access === "read" ? next(operation, context) : next(operation, context).finally(() => this.#forget()),
      read: async (operation, context) => {
        const key = keyOf(operation.id, context.scope);
        const held = this.#held.get(key);
        if (held !== undefined && performance.now() < held.until) {
          this.hits += 1;
          return copyValue(held.row);
        }
        const forgotten = this.#forgotten;
        const row = await next(operation, context);
        if (row !== undefined && forgotten === this.#forgotten) this.#hold(key, row);
        return row;
      },
    };
  }

  #hold(key: string, row: Row): void {
    this.#held.delete(key);
    const [oldest] = this.#held.keys();
    if (oldest !== undefined && this.#held.size >= this.#maxRecords) this.#held.delete(oldest);
    // The caller may change the row that it gets.
    this.#held.set(key, { row: copyValue(row), until: performance.now() + this.#maxAgeMs });
  }

  #forget(key?: string): void {
    this.#forgotten += 1;
    if (key === undefined) this.#held.clear();
    else this.#held.delete(key);
  }
}

/** Two tenants may have records of one id. */
function keyOf(id: string, scope: Scope | undefined): string {
  return JSON.stringify([scope?.namespace, scope?.database, id]);
}
