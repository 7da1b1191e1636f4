import { describeDriver } from "@db/testing";
import { Decimal, Duration, Uuid } from "surrealdb";
import { afterAll, describe, test } from "vitest";
import { driverOf, ENGINES } from "./support/engines.ts";

for (const engine of ENGINES) {
  describeDriver({
    name: `SurrealDB on ${engine}`,
    connect: () => driverOf(engine),
    capabilities: driverOf(engine).capabilities,
    ownValues: () => [
      { name: "a decimal", value: new Decimal("12.30"), equal: (a, b) => String(a) === String(b) },
      { name: "a duration", value: new Duration("1h30m"), equal: (a, b) => String(a) === String(b) },
      { name: "a uuid", value: Uuid.v7(), equal: (a, b) => String(a) === String(b) },
    ],
    runner: { describe, test, afterAll },
  });
}
