import { afterAll, describe, test } from "vitest";
import { describeDriver, MockDatabase } from "../src/index.ts";

describeDriver({
  name: "MockDatabase",
  connect: () => new MockDatabase(),
  capabilities: new MockDatabase().capabilities,
  runner: { describe, test, afterAll },
});
