import { createDatabase, type DatabaseService, isDatabaseError } from "@db/core";
import { describeDriver } from "@db/testing";
import { missingContainerEngine, type SurrealContainer, startSurrealContainer } from "@db/testing/containers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ownValues } from "./support/own-values.ts";
import { remoteDriver } from "./support/server.ts";

const reason = await missingContainerEngine();
if (reason !== undefined && process.env.REQUIRE_CONTAINERS === "1") {
  throw new Error(`expected a container engine, as REQUIRE_CONTAINERS=1 asks: ${reason}`);
}
if (reason !== undefined) console.error(`SurrealDB in a container: skipped, ${reason}`);

describe.skipIf(reason !== undefined)("SurrealDB in a container", () => {
  describe("crashes", () => {
    let server: SurrealContainer;
    let db: DatabaseService;
    beforeAll(async () => {
      server = await startSurrealContainer({ engine: "rocksdb" });
      db = createDatabase({
        driver: remoteDriver(server.url, {
          heartbeatIntervalMs: 200,
          heartbeatTimeoutMs: 500,
          connectTimeoutMs: 1_000,
        }),
      });
      await db.connect();
    });
    afterAll(async () => {
      await db?.disconnect({ drainMs: 0 });
      await server?.close();
    });

    test("SIGKILL among writes and start: every acknowledged row is there, and the client is back within two seconds", async () => {
      const acknowledged: string[] = [];
      let isOver = false;
      const writers = Array.from({ length: 8 }, async () => {
        while (!isOver) {
          try {
            acknowledged.push((await db.create("crash", { at: Date.now() }, { timeoutMs: 2_000 })).id);
          } catch (error) {
            // Whether this one is stored nobody knows; only the others were acknowledged.
            if (!isDatabaseError(error)) throw error;
            break;
          }
        }
      });
      await expect.poll(() => acknowledged.length, { timeout: 20_000 }).toBeGreaterThan(500);
      await server.kill();
      isOver = true;
      await Promise.all(writers);
      await server.restart();
      const backAt = performance.now();
      while ((await db.exists("crash:none").catch(() => "away")) === "away");
      expect(performance.now() - backAt, "from the first sign of health").toBeLessThan(2_000);
      const lost: string[] = [];
      for (const id of acknowledged) if (!(await db.exists(id))) lost.push(id);
      expect(lost).toEqual([]);
    });

    test("paused, a call ends at its deadline; resumed, calls are answered", async () => {
      // Before a heartbeat can have noticed: that the container is paused is told some time after it is.
      await using unaware = createDatabase({ driver: remoteDriver(server.url) });
      await unaware.connect();
      await server.pause();
      const late = await unaware.exists("frozen:none", { timeoutMs: 300 }).catch((thrown) => thrown);
      expect(isDatabaseError(late) && late.code).toBe("QUERY_TIMEOUT");
      const startedAt = performance.now();
      const error = await db.create("frozen", { n: 1 }, { id: "frozen:1", timeoutMs: 700 }).catch((thrown) => thrown);
      expect(performance.now() - startedAt).toBeLessThan(1_500);
      expect(isDatabaseError(error) && error.code).toMatch(/^(QUERY_TIMEOUT|CONNECTION_FAILED|OUTCOME_UNKNOWN)$/);
      await server.resume();
      await expect.poll(() => db.exists("frozen:none").catch(() => "away"), { timeout: 10_000 }).toBe(false);
    });
  });

  describe("the conformance suite", () => {
    let server: SurrealContainer;
    beforeAll(async () => {
      server = await startSurrealContainer({ engine: "rocksdb" });
    });
    afterAll(() => server?.close());
    describeDriver({
      name: "SurrealDB in a container",
      connect: () => remoteDriver(server.url),
      capabilities: remoteDriver("ws://127.0.0.1:1").capabilities,
      ownValues,
      runner: { describe, test, afterAll },
    });
  });
});
