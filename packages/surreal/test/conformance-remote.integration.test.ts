import { describeDriver, startSurreal } from "@db/testing";
import { afterAll, describe, test } from "vitest";
import { ownValues } from "./support/own-values.ts";
import { remoteDriver } from "./support/server.ts";

// The engine that loses no update under contention.
const server = await startSurreal({ engine: "rocksdb" });
afterAll(() => server.close());

describeDriver({
  name: "SurrealDB over WebSocket",
  connect: () => remoteDriver(server.url),
  capabilities: remoteDriver(server.url).capabilities,
  echo: "RETURN $value",
  ownValues,
  runner: { describe, test, afterAll },
});
