import { createDatabase, type DatabaseService, type Driver, type Layer } from "@db/core";

/** What a queue does before the first attempt of a write that it may replay. */
const asksForLedger: Layer = (next) => (operation, context) => next(operation, context.with({ ledger: true }));

/** A connected service whose writes all ask for the ledger. */
export async function ledgered(driver: Driver): Promise<DatabaseService> {
  const db = createDatabase({ driver, layers: [asksForLedger] });
  await db.connect();
  return db;
}
