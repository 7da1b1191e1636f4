// A driver is a table of handlers. This one keeps its records in a `Map`; core does all the rest: it checks arguments,
// holds deadlines, refuses calls before `connect()` and answers UNSUPPORTED for what is left out here.
import {
  type CallContext,
  copyValue,
  type Driver,
  defineDriver,
  interrupted,
  matchesFilter,
  type OperationOf,
  type Row,
  rowAfter,
  selectPage,
  type WriteKind,
  type WriteResult,
} from "@db/core";

export function mapDriver(): Driver {
  const rows = new Map<string, Row>();
  const rowsOf = (collection: string): Row[] => [...rows.values()].filter(({ id }) => id.startsWith(`${collection}:`));

  async function write(operation: OperationOf<WriteKind>, context: CallContext): Promise<WriteResult> {
    // Once the signal has fired nothing with an effect is started.
    if (context.aborted) throw interrupted(context, "none");
    const { id, returning } = operation;
    const before = rows.get(id);
    const after = rowAfter(operation, before);
    if (after === undefined) rows.delete(id);
    else rows.set(id, after);
    const row = after ?? before;
    const written: WriteResult = { id, operationId: context.operationId, status: "committed" };
    return returning && row !== undefined ? { ...written, row: copyValue(row) } : written;
  }

  return defineDriver({
    name: "map",
    statements: {
      create: write,
      update: write,
      delete: write,
      read: async ({ id }) => copyValue(rows.get(id)),
      find: async ({ collection, query }) => copyValue(selectPage(rowsOf(collection), collection, query)),
      count: async ({ collection, where }) =>
        rowsOf(collection).filter((row) => where === undefined || matchesFilter(row, where)).length,
    },
  });
}
