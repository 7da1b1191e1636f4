import {
  type CallContext,
  DatabaseErrorOf,
  type Driver,
  defineDriver,
  type Handlers,
  type StatementKind,
} from "@db/core";
import { type OnRecords, SqliteFile } from "./sqlite-file.ts";

export function sqlite({ path }: { readonly path: string }): Driver {
  let open: SqliteFile | undefined;
  const file = (): SqliteFile => {
    if (open !== undefined) return open;
    throw new DatabaseErrorOf("NOT_CONNECTED", "the file is not open", {});
  };
  const reading: OnRecords = async (context, work) => file().read(context, work);
  const writing: OnRecords = async (context, work) => file().write(context, work);

  return defineDriver({
    name: "sqlite",
    target: { system: "sqlite" },
    capabilities: { transactions: true, idempotentWrites: true, queryLanguage: true },
    statements: statementsOn(reading, writing),
    begin: async (_options, context) => {
      const { within, commit, rollback } = await file().begin(context);
      return { statements: statementsOn(within, within), commit, rollback };
    },
    wasApplied: (operationId, context) => reading(context, (records) => records.wasApplied(operationId)),
    ping: async (context) => void (await scalar(context, "SELECT 1 AS value")),
    version: async (context) => `sqlite-${await scalar(context, "SELECT sqlite_version() AS value")}`,
    // A file is there or it is not. A driver of a server dials here, again and again, until `context.signal` fires.
    connect: async () => {
      open ??= new SqliteFile(path);
    },
    disconnect: async () => open?.close(),
  });

  async function scalar(context: CallContext, text: string): Promise<unknown> {
    const [row] = await reading(context, (records) => records.query(text, {}));
    return (row as { readonly value: unknown }).value;
  }
}

/** The table of handlers: what the statements of a transaction differ in is where they run. */
function statementsOn(reading: OnRecords, writing: OnRecords): Handlers<StatementKind> {
  return {
    create: (operation, context) => writing(context, (records) => records.write(operation, context)),
    update: (operation, context) => writing(context, (records) => records.write(operation, context)),
    delete: (operation, context) => writing(context, (records) => records.write(operation, context)),
    read: ({ id }, context) => reading(context, (records) => records.read(id)),
    find: (operation, context) => reading(context, (records) => records.find(operation)),
    count: (operation, context) => reading(context, (records) => records.count(operation)),
    query: ({ text, params, access }, context) =>
      (access === "read" ? reading : writing)(context, (records) => records.query(text, params)),
  };
}
