import { Decimal, Duration, Geometry, RecordId, Table, Uuid } from "surrealdb";

declare module "@db/core" {
  interface AdapterValues {
    readonly surreal: Decimal | Duration | Geometry | RecordId | Table | Uuid;
  }
}

/** SurrealDB's own value types, which may be stored beside the portable ones. */
export function ownsValue(value: object): boolean {
  return (
    value instanceof Decimal ||
    value instanceof Duration ||
    value instanceof Geometry ||
    value instanceof RecordId ||
    value instanceof Table ||
    value instanceof Uuid
  );
}
