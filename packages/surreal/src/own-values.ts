import { Decimal, Duration, Geometry, RecordId, Table, Uuid } from "surrealdb";

/** SurrealDB's own value types, which may be stored beside the portable ones. */
export type SurrealValue = Decimal | Duration | Geometry | RecordId | Table | Uuid;

declare module "@db/core" {
  interface AdapterValues {
    readonly surreal: SurrealValue;
  }
}

const OWN: readonly (abstract new (...parts: never[]) => unknown)[] = [
  Decimal,
  Duration,
  Geometry,
  RecordId,
  Table,
  Uuid,
];

export function ownsValue(value: object): boolean {
  return OWN.some((own) => value instanceof own);
}
