import { describeDriver } from "@db/testing";
import { afterAll, describe, test } from "vitest";
import { ownValues } from "./support/own-values.ts";
import { remoteDriver } from "./support/server.ts";
import { startSurreal2 } from "./support/surreal2.ts";
import { hasSurreal2Engine } from "./support/surreal2-engine.ts";

if (hasSurreal2Engine) await describeSurreal2();
else test.skip("SurrealDB 2: no engine of it for this machine", () => {});

async function describeSurreal2(): Promise<void> {
  const server = await startSurreal2();
  afterAll(() => server[Symbol.asyncDispose]());
  const can = {
    savepoints: false,
    idempotentWrites: true,
    queryLanguage: true,
    transactions: false,
    liveQueries: false,
  };
  const overWebSocket = ["WebSocket", server.url, { ...can, scopes: false }] as const;
  const overHttp = ["HTTP", server.httpUrl, { ...can, scopes: true }] as const;
  const transports = process.env.DB_TEST_SIZE === "full" ? [overWebSocket, overHttp] : [overWebSocket];
  for (const [name, url, capabilities] of transports) {
    describeDriver({
      name: `SurrealDB 2 over ${name}`,
      connect: () => remoteDriver(url),
      capabilities,
      echo: "RETURN $value",
      ownValues,
      scopes: [
        { namespace: name, database: "one" },
        { namespace: name, database: "two" },
      ],
      runner: { describe, test, afterAll },
    });
  }
}
