import { setTimeout } from "node:timers/promises";
import { createDatabase, type DatabaseService, newRecordId } from "@db/core";
import { surreal } from "@db/surreal";
import { startSurreal } from "@db/testing";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { driverOf, ENGINES, urlOf } from "./support/engines.ts";
import { ledgered } from "./support/ledgered.ts";
import { remoteDriver } from "./support/server.ts";

const rows = async (db: DatabaseService): Promise<readonly { readonly [field: string]: unknown }[]> => {
  const [found] = await db.query("SELECT * FROM `db-ledger`", {}, { access: "read" });
  return found as never;
};

for (const engine of ENGINES) {
  describe(`the ledger on ${engine}`, () => {
    const driver = driverOf(engine);
    let db: DatabaseService;
    beforeAll(async () => {
      db = await ledgered(driver);
    });
    afterAll(() => db.disconnect());

    test("holds the record, the time, the fingerprint and what was returned, and nothing of the data else", async () => {
      const before = Date.now();
      await db.create("held", { n: 1 }, { id: "held:1", operationId: "held-1", fingerprint: "sha256=abc" });
      await db.update("held:1", { n: 2 }, { operationId: "held-2", returning: true });
      const found = (await rows(db)).filter(({ record }) => record === "held:1");
      expect(found.map(({ id, at, ...facts }) => facts)).toEqual([
        { record: "held:1", fingerprint: "sha256=abc" },
        { record: "held:1", row: expect.objectContaining({ n: 2 }) },
      ]);
      for (const { at } of found) expect((at as Date).getTime()).toBeGreaterThanOrEqual(before - 1_000);
    });

    test("an operation is known by its whole id: case, length and signs tell", async () => {
      const ids = ["op", "OP", "op-", "a:b.c_d", newRecordId("x").slice(2), "x".repeat(128)];
      for (const operationId of ids) await db.create("whole", {}, { operationId });
      expect(await db.count("whole")).toBe(ids.length);
      for (const operationId of ids) expect(await db.wasApplied(operationId)).toBe(true);
      expect(await db.wasApplied("x".repeat(127))).toBe(false);
    });

    test("a replace, a guarded update and one that removes fields are applied once", async () => {
      await db.create("kinds", { n: 0, gone: 1 }, { id: "kinds:1" });
      const send = [
        () => db.update("kinds:1", { n: 1, gone: 1 }, { mode: "replace", operationId: "k1" }),
        () => db.update("kinds:1", { n: 2 }, { expect: { n: 1 }, operationId: "k2" }),
        () => db.update("kinds:1", { gone: undefined }, { operationId: "k3" }),
        () => db.update("kinds:1", { n: 5 }, { mode: "increment", expect: { n: 2 }, operationId: "k4" }),
        () => db.delete("kinds:1", { expect: { n: 7 }, operationId: "k5" }),
      ];
      for (const write of send) {
        await write();
        await write();
      }
      expect(await db.read("kinds:1")).toBeUndefined();
    });

    test("a write that the schema refuses is neither stored nor noted", async () => {
      await db.query("DEFINE TABLE strict SCHEMAFULL; DEFINE FIELD n ON strict TYPE int ASSERT $value > 0");
      const refused = db.create("strict", { n: -1 }, { operationId: "refused" });
      await expect(refused).rejects.toMatchObject({ code: "FIELD_VIOLATION", effect: "none" });
      expect(await db.wasApplied("refused")).toBe(false);
      await db.create("strict", { n: 1 }, { operationId: "refused" });
      expect(await db.wasApplied("refused")).toBe(true);
    });

    test("an increment beyond 64 bits is refused as without the ledger", async () => {
      await db.create("big", { n: 2n ** 63n - 1n }, { id: "big:1" });
      const over = db.update("big:1", { n: 1 }, { mode: "increment", operationId: "over" });
      await expect(over).rejects.toMatchObject({ code: "FIELD_VIOLATION", facts: { field: "n" } });
      expect(await db.wasApplied("over")).toBe(false);
    });

    test("goes on where somebody has removed its table", async () => {
      await db.create("removed", {}, { operationId: "removed-1" });
      await db.query("REMOVE TABLE `db-ledger`");
      expect(await db.wasApplied("removed-1")).toBe(false);
      await db.create("removed", {}, { operationId: "removed-2" });
      expect(await db.wasApplied("removed-2")).toBe(true);
    });

    test.each([true, false])(
      "says of a collection that is not there NOT_FOUND, with the ledger (%s) as without",
      async (asks) => {
        const service = asks ? db : createDatabase({ driver });
        const options = { operationId: "nowhere" };
        const writes = [
          service.update("nowhere:1", { n: 1 }, options),
          service.update("nowhere:1", { n: 1 }, { ...options, expect: { n: 1 } }),
          service.update("nowhere:1", { n: 1 }, { ...options, mode: "increment", returning: true }),
          service.delete("nowhere:1", options),
          service.delete("nowhere:1", { ...options, expect: { n: 1 }, returning: true }),
        ];
        for (const end of await Promise.allSettled(writes))
          expect(end).toMatchObject({ reason: { code: "NOT_FOUND", effect: "none" } });
        await service.transaction(async (tx) => {
          await expect(tx.update("nowhere:1", {}, options)).rejects.toMatchObject({ code: "NOT_FOUND" });
          const guarded = tx.delete("nowhere:1", { expect: { n: 1 } });
          await expect(guarded).rejects.toMatchObject({ code: "NOT_FOUND" });
          await tx.create("somewhere", {});
        });
        expect(await db.wasApplied("nowhere")).toBe(false);
      },
    );

    test("is asked only when an attempt that was given up has come to its end", async () => {
      await db.query("DEFINE TABLE slow; DEFINE FIELD wait ON slow VALUE sleep(1s)");
      const given = db.create("slow", {}, { operationId: "given-up", timeoutMs: 50 });
      await expect(given).rejects.toMatchObject({ code: "QUERY_TIMEOUT", effect: "unknown" });
      expect(await db.wasApplied("given-up")).toBe(true);
      const sentAt = performance.now();
      const impatient = db.create("slow", {}, { operationId: "impatient", timeoutMs: 50 });
      await expect(impatient).rejects.toMatchObject({ effect: "unknown" });
      const asked = await db.wasApplied("impatient", { timeoutMs: 50 }).catch((error: unknown) => error);
      // Unless the machine halts until the attempt has ended: then there is nothing to wait for.
      if (asked !== true || performance.now() - sentAt < 1_000) expect(asked).toMatchObject({ code: "QUERY_TIMEOUT" });
    });

    test("is a table of its own, which no collection can be", async () => {
      await expect(db.find("db-ledger")).rejects.toMatchObject({ code: "INVALID_QUERY" });
    });
  });
}

describe("pruning", () => {
  const RETENTION_MS = 1_000;
  const timed = (n: number): string => newRecordId("x").slice(2, -4) + String(n).padStart(4, "0");

  test.each(ENGINES)(
    "on %s deletes what is older than the retention, page by page, and nothing that is younger",
    async (engine) => {
      const scope = { namespace: "test", database: "test" };
      const db = await ledgered(surreal({ url: urlOf(engine), ...scope, ledgerRetentionMs: RETENTION_MS }));
      onTestFinished(() => db.disconnect());
      for (let n = 0; n < 250; n += 1) {
        await db.create("pruned", {}, { operationId: n % 2 === 0 ? timed(n) : `old-${n}` });
      }
      const written = performance.now();
      await expect.poll(async () => (await rows(db)).length, { timeout: 8_000, interval: 50 }).toBeLessThan(250);
      await db.create("pruned", {}, { operationId: "young" });
      const young = performance.now();
      await expect
        .poll(async () => (await rows(db)).filter(({ id }) => String(id).includes("old-")).length, { timeout: 8_000 })
        .toBe(0);
      if (performance.now() - young < RETENTION_MS) expect(await db.wasApplied("young")).toBe(true);
      await expect.poll(async () => (await rows(db)).length, { timeout: 8_000 }).toBe(0);
      expect(performance.now() - written).toBeGreaterThan(RETENTION_MS - 100);
    },
  );

  test("forgets a place whose table was removed, and prunes it again once it is written to", async () => {
    const scope = { namespace: "test", database: "test" };
    const db = await ledgered(surreal({ url: "mem://", ...scope, ledgerRetentionMs: RETENTION_MS }));
    onTestFinished(() => db.disconnect());
    await db.create("again", {}, { operationId: "again-1" });
    await db.query("REMOVE TABLE `db-ledger`");
    const warnings: string[] = [];
    const listen = ({ message }: Error): number => warnings.push(message);
    process.on("warning", listen);
    await setTimeout(RETENTION_MS / 2);
    process.off("warning", listen);
    expect(warnings).toEqual([]);
    for (let n = 2; n < 10; n += 1) await db.create("again", {}, { operationId: `again-${n}` });
    await expect.poll(async () => (await rows(db)).length, { timeout: 8_000 }).toBe(0);
  });

  test("does nothing in a service that has closed, and keeps none from closing", async () => {
    const db = await ledgered(
      surreal({ url: "mem://", namespace: "test", database: "test", ledgerRetentionMs: RETENTION_MS }),
    );
    await db.create("closed", {}, { operationId: "closed" });
    await db.disconnect();
  });
});

describe("two processes on one server", () => {
  test("that send one operation at once apply it once; the other gets its answer, or a CONFLICT without effect", async () => {
    await using server = await startSurreal({ engine: "rocksdb" });
    const database = "shared";
    const [one, two] = [
      await ledgered(remoteDriver(server.url, { database })),
      await ledgered(remoteDriver(server.url, { database })),
    ];
    await one.create("counters", { n: 0 }, { id: "counters:one" });
    const seen = new Set<string>();
    for (let round = 1; round <= 50; round += 1) {
      const send = (db: DatabaseService) =>
        db.update("counters:one", { n: 1 }, { mode: "increment", operationId: `round-${round}` });
      const ends = await Promise.allSettled([send(one), send(two), send(one), send(two)]);
      for (const end of ends) {
        seen.add(end.status);
        if (end.status === "rejected")
          expect(end.reason).toMatchObject({ code: "CONFLICT", effect: "none", retryable: true });
      }
      expect(ends.some(({ status }) => status === "fulfilled")).toBe(true);
      expect(await one.read("counters:one")).toMatchObject({ n: round });
    }
    expect(seen.has("fulfilled")).toBe(true);
    await Promise.all([one.disconnect(), two.disconnect()]);
  });

  test("make the ledger together: the first writes of ten drivers on a new database all pass", async () => {
    await using server = await startSurreal({ engine: "rocksdb" });
    const services = await Promise.all(
      Array.from({ length: 10 }, () => ledgered(remoteDriver(server.url, { database: "together" }))),
    );
    await services[0]?.create("rows", {}, { operationId: "table" });
    await services[0]?.query("REMOVE TABLE `db-ledger`");
    const writes = services.slice(1).map((db, n) => db.create("rows", { n }, { operationId: `first-${n}` }));
    expect((await Promise.allSettled(writes)).map(({ status }) => status)).toEqual(Array(9).fill("fulfilled"));
    await Promise.all(services.map((db) => db.disconnect()));
  });
});
