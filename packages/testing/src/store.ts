import type { Row, WriteResult } from "@db/core";

/** A row of the ledger. */
export interface Applied {
  readonly result: WriteResult;
  readonly fingerprint: string | undefined;
}

/** What statements run on: a store, or one transaction's view of it. Rows are never changed, only replaced. */
export interface View {
  get(collection: string, id: string): Row | undefined;
  rows(collection: string): Iterable<Row>;
  /** `undefined` takes the record away. */
  set(collection: string, id: string, row: Row | undefined): void;
  /** The ledger: what the write of this operation id answered when it was applied. */
  applied(operationId: string): Applied | undefined;
  setApplied(applied: Applied): void;
}

/** One change of a record, as live queries see it. */
export interface Change {
  readonly collection: string;
  readonly id: string;
  readonly before: Row | undefined;
  readonly after: Row | undefined;
}

type Table = Map<string, Row>;
export type Snapshot = ReadonlyMap<string, ReadonlyMap<string, Row>>;

/** The records of one namespace and database, and their ledger. */
export class Store implements View {
  readonly #tables = new Map<string, Table>();
  readonly #ledger = new Map<string, Applied>();
  /** Tables that a snapshot may show: the next write goes to a copy. */
  readonly #shared = new WeakSet<Table>();
  readonly #onChange: (change: Change) => void;

  constructor(onChange: (change: Change) => void) {
    this.#onChange = onChange;
  }

  get(collection: string, id: string): Row | undefined {
    return this.#tables.get(collection)?.get(id);
  }

  rows(collection: string): Iterable<Row> {
    return this.#tables.get(collection)?.values() ?? [];
  }

  set(collection: string, id: string, row: Row | undefined): void {
    const table = this.#writable(collection);
    const before = table.get(id);
    if (row === undefined) table.delete(id);
    else table.set(id, row);
    this.#onChange({ collection, id, before, after: row });
  }

  applied(operationId: string): Applied | undefined {
    return this.#ledger.get(operationId);
  }

  setApplied(applied: Applied): void {
    this.#ledger.set(applied.result.operationId, applied);
  }

  /** All tables as they are now; costs nothing until one of them is written to. */
  snapshot(): Snapshot {
    for (const table of this.#tables.values()) this.#shared.add(table);
    return new Map(this.#tables);
  }

  #writable(collection: string): Table {
    const table = this.#tables.get(collection);
    if (table !== undefined && !this.#shared.has(table)) return table;
    const copy: Table = new Map(table);
    this.#tables.set(collection, copy);
    return copy;
  }
}
