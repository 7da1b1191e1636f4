import {
  type CallContext,
  type DriverParts,
  type DriverTransaction,
  type Handlers,
  matchesFilter,
  type OperationOf,
  type Row,
  rowAfter,
  type StatementKind,
  selectPage,
  type WriteKind,
  type WriteResult,
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
      create: async (operation, context) => write(noted("create"), operation, context),
      read: async ({ id }) => noted("read").get(id),
      update: async (operation, context) => write(noted("update"), operation, context),
      delete: async (operation, context) => write(noted("delete"), operation, context),
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

function write(rows: Rows, operation: OperationOf<WriteKind>, { operationId }: CallContext): WriteResult {
  const { id } = operation;
  const row = rowAfter(operation, rows.get(id));
  if (row === undefined) rows.delete(id);
  else rows.set(id, row);
  return { id, operationId, status: "committed" };
}

function of(rows: Rows, collection: string): Row[] {
  return [...rows.values()].filter((row) => row.id.startsWith(`${collection}:`));
}
