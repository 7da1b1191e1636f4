import type { WriteLocks } from "./handlers.ts";
import type { WriteOrder } from "./write-order.ts";

/**
 * The locks of writes outside a transaction. The first create of a table runs alone: it defines the table, and creates
 * that do so at the same time conflict (4 at a time: up to 54 of 80 refused).
 */
export function createLocks(order: WriteOrder): WriteLocks {
  const tables = new Set<string>();
  return {
    create: ({ collection, id }, context) =>
      tables.has(collection) ? order.record(id, context) : order.alone(context),
    created: (collection) => {
      tables.add(collection);
    },
    record: (id, context) => order.record(id, context),
    unknown: (context) => order.unknown(context),
  };
}
