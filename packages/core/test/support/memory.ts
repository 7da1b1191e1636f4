import {
  copyValue,
  DatabaseErrorOf,
  type DriverParts,
  type DriverTransaction,
  type Handlers,
  matchesFilter,
  type Row,
  type StatementKind,
  selectPage,
} from "../../src/index.ts";

type Rows = Map<string, Row>;

/** A store over a Map, with transactions as copies of it: enough of a database for what core does with one. */
export class MemoryStore {
  rows: Rows = new Map();
  /** What the driver was asked, in order: "create", "begin", "commit", … */
  readonly log: string[] = [];

  parts(): DriverParts {
    return {
      name: "memory",
      capabilities: { transactions: true },
      statements: this.#handlers(() => this.rows),
      begin: async () => this.#begin(),
    };
  }

  #begin(): DriverTransaction {
    this.log.push("begin");
    const rows: Rows = new Map(this.rows);
    return {
      statements: this.#handlers(() => rows),
      commit: async () => {
        this.log.push("commit");
        this.rows = rows;
      },
      rollback: async () => {
        this.log.push("rollback");
      },
    };
  }

  #handlers(rows: () => Rows): Handlers<StatementKind> {
    const noted = (kind: string): Rows => {
      this.log.push(kind);
      return rows();
    };
    return {
      create: async ({ id, data }, { operationId }) => {
        const all = noted("create");
        if (all.has(id)) throw new DatabaseErrorOf("ALREADY_EXISTS", "the record exists", { id });
        all.set(id, { ...copyValue(data), id });
        return { id, operationId, status: "committed" };
      },
      read: async ({ id }) => noted("read").get(id),
      update: async ({ id, data }, { operationId }) => {
        const all = noted("update");
        const row = all.get(id);
        if (row === undefined) throw new DatabaseErrorOf("NOT_FOUND", "no such record", { id });
        all.set(id, { ...row, ...copyValue(data), id });
        return { id, operationId, status: "committed" };
      },
      delete: async ({ id }, { operationId }) => {
        if (!noted("delete").delete(id)) throw new DatabaseErrorOf("NOT_FOUND", "no such record", { id });
        return { id, operationId, status: "committed" };
      },
      find: async ({ collection, query }) => selectPage(of(noted("find"), collection), collection, query),
      count: async ({ collection, where }) =>
        of(noted("count"), collection).filter((row) => where === undefined || matchesFilter(row, where)).length,
      query: async ({ text, params }) => {
        noted("query");
        return [{ text, params }];
      },
    };
  }
}

function of(rows: Rows, collection: string): Row[] {
  return [...rows.values()].filter((row) => row.id.startsWith(`${collection}:`));
}
