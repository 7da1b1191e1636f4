import type { CallContext } from "@db/core";
import type { WriteLocks } from "./handlers.ts";
import { type Place, placeKey } from "./scope.ts";
import type { WriteOrder } from "./write-order.ts";

/**
 * The locks of writes outside a transaction. The first create of a table runs alone: it defines the table, and creates
 * that do so at the same time conflict (4 at a time: up to 54 of 80 refused). Under the ledger the attempts of one
 * operation follow one another, whichever record they write.
 * @param home the place of calls without a scope
 */
export function createLocks(order: WriteOrder, home: Place): WriteLocks {
  const tables = new Set<string>();
  const own = placeKey(home);
  /** A space, which no name of a collection has, ends the place. */
  const prefix = ({ scope }: CallContext): string => (scope === undefined ? `${own} ` : `${placeKey(scope)} `);
  const keyOf = (operationId: string, context: CallContext): string => `${prefix(context)}#${operationId}`;
  const operations = (context: CallContext): readonly string[] =>
    context.ledger ? [keyOf(context.operationId, context)] : NONE;
  return {
    create: ({ collection, id }, context) =>
      tables.has(prefix(context) + collection)
        ? order.record([...operations(context), prefix(context) + id], context)
        : order.alone(operations(context), context),
    created: (collection, context) => {
      if (tables.size >= MAX_TABLES) tables.clear();
      tables.add(prefix(context) + collection);
    },
    record: (id, context) => order.record([...operations(context), prefix(context) + id], context),
    unknown: (context) => order.unknown(context),
    operation: (operationId, context) => order.line(keyOf(operationId, context), context),
    define: (context) => order.alone(NONE, context),
  };
}

const NONE: readonly string[] = [];
/** Tenants may have any number of tables; beyond this they are forgotten, and the next create of each runs alone again. */
const MAX_TABLES = 10_000;
