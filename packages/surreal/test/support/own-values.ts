import type { OwnValue } from "@db/testing";
import { Decimal, Duration, Uuid } from "surrealdb";

/** Values that only SurrealDB has. */
export function ownValues(): readonly OwnValue[] {
  const equal = (a: unknown, b: unknown): boolean => String(a) === String(b);
  return [
    { name: "a decimal", value: new Decimal("12.30"), equal },
    { name: "a duration", value: new Duration("1h30m"), equal },
    { name: "a uuid", value: Uuid.v7(), equal },
  ];
}
