import { describeDriver, startSurreal } from "@db/testing";
import { afterAll, describe, test } from "vitest";
import { ownValues } from "./support/own-values.ts";
import { remoteDriver } from "./support/server.ts";

// The engine that loses no update under contention.
const server = await startSurreal({ engine: "rocksdb" });
afterAll(() => server.close());

for (const [name, url, pool] of [
  ["WebSocket", server.url, {}],
  ["WebSocket in shared messages", server.url, { perMessage: 16 }],
  ["HTTP", server.httpUrl, {}],
] as const) {
  describeDriver({
    name: `SurrealDB over ${name}`,
    connect: () => remoteDriver(url, { pool }),
    capabilities: remoteDriver(url).capabilities,
    echo: "RETURN $value",
    ownValues,
    // One server for both: what one transport has written in a tenant's place the other must not find.
    scopes: [
      { namespace: name, database: "one" },
      { namespace: name, database: "two" },
    ],
    runner: { describe, test, afterAll },
  });
}
