import { createDatabase } from "@db/core";
import { watchSlowCalls } from "@db/metrics";
import { MockDatabase } from "@db/testing";

const db = createDatabase({ driver: new MockDatabase({ latencyMs: 50 }) });
await db.connect();
using _slow = watchSlowCalls({
  thresholdMs: 20,
  log: ({ operation, collection, durationMs }) => console.log(operation, collection, durationMs >= 20),
});
await db.find("orders");
await db.disconnect();
