import { isDatabaseError } from "@db/core";
import { MockDatabase } from "@db/testing";
import { expect, onTestFinished, test } from "vitest";
import { readConfig } from "../src/config.ts";
import { openDatabase } from "../src/database.ts";
import { createLogger } from "../src/logger.ts";

test("a call of the database gets the whole of DB_OPERATION_TIMEOUT", async () => {
  const driver = new MockDatabase();
  const db = openDatabase(readConfig({ DB_OPERATION_TIMEOUT: "0.3" }), createLogger("silent"), driver);
  onTestFinished(() => db.disconnect({ drainMs: 100 }));
  await db.connect();
  driver.hang();
  const error: unknown = await db.find("notes").catch((thrown: unknown) => thrown);
  expect(isDatabaseError(error) && error.facts).toMatchObject({ timeoutMs: 300 });
});
