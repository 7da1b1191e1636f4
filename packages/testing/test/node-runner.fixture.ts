import { after, describe, test } from "node:test";
import { describeDriver, MockDatabase } from "../src/index.ts";

describeDriver({
  name: "MockDatabase",
  connect: () => new MockDatabase(),
  capabilities: new MockDatabase().capabilities,
  runner: { describe, test, afterAll: after },
  except: { "a text of a megabyte is kept": "to see that a case can be left out" },
});
