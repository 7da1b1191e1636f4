import { DatabaseErrorOf, type Row } from "@db/core";
import type { Applied, Snapshot, Store, View } from "./store.ts";

/** Snapshot isolation: reads see the store as it was at the begin and the transaction's own writes. */
export class TransactionView implements View {
  readonly #store: Store;
  readonly #snapshot: Snapshot;
  readonly #written = new Map<string, Map<string, Row | undefined>>();
  readonly #applied = new Map<string, Applied>();

  constructor(store: Store) {
    this.#store = store;
    this.#snapshot = store.snapshot();
  }

  get(collection: string, id: string): Row | undefined {
    const written = this.#written.get(collection);
    return written?.has(id) === true ? written.get(id) : this.#snapshot.get(collection)?.get(id);
  }

  *rows(collection: string): Iterable<Row> {
    const written = this.#written.get(collection);
    for (const row of this.#snapshot.get(collection)?.values() ?? []) if (written?.has(row.id) !== true) yield row;
    for (const row of written?.values() ?? []) if (row !== undefined) yield row;
  }

  set(collection: string, id: string, row: Row | undefined): void {
    const written = this.#written.get(collection);
    if (written === undefined) this.#written.set(collection, new Map([[id, row]]));
    else written.set(id, row);
  }

  applied(operationId: string): Applied | undefined {
    return this.#applied.get(operationId) ?? this.#store.applied(operationId);
  }

  setApplied(applied: Applied): void {
    this.#applied.set(applied.result.operationId, applied);
  }

  /** First committer wins, per record. @throws CONFLICT, and then nothing was written */
  commit(): void {
    for (const [collection, rows] of this.#written) {
      for (const id of rows.keys()) {
        if (this.#store.get(collection, id) !== this.#snapshot.get(collection)?.get(id)) throw conflict();
      }
    }
    for (const operationId of this.#applied.keys()) {
      if (this.#store.applied(operationId) !== undefined) throw conflict();
    }
    for (const [collection, rows] of this.#written) {
      for (const [id, row] of rows) this.#store.set(collection, id, row);
    }
    for (const applied of this.#applied.values()) this.#store.setApplied(applied);
  }
}

function conflict(): DatabaseErrorOf<"CONFLICT"> {
  return new DatabaseErrorOf("CONFLICT", "another transaction has written the same record since this one began", {});
}
