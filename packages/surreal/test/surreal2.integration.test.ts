import { setTimeout } from "node:timers/promises";
import { createDatabase, type DatabaseService, eq } from "@db/core";
import type { SurrealOptions } from "@db/surreal";
import { startSurreal } from "@db/testing";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { remoteDriver } from "./support/server.ts";
import { type Surreal2, startSurreal2 } from "./support/surreal2.ts";
import { hasSurreal2Engine } from "./support/surreal2-engine.ts";

/** A service of a database of its own, connected. */
async function openDb(url: string, options: Partial<SurrealOptions> = {}): Promise<DatabaseService> {
  const db = createDatabase({ driver: remoteDriver(url, options) });
  await db.connect();
  return db;
}

describe.skipIf(!hasSurreal2Engine)("a server of SurrealDB 2", () => {
  let server: Surreal2;
  beforeAll(async () => {
    server = await startSurreal2();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test.each([
    ["SELECT FROM", "INVALID_QUERY"],
    ["THROW 'The session has expired'", "INVALID_QUERY"],
    ["RETURN type::of(1)", "INVALID_QUERY"],
    ["DEFINE INDEX one ON rows FIELDS n UNIQUE; CREATE rows SET n = 1; CREATE rows SET n = 1", "UNIQUE_VIOLATION"],
    ["DEFINE FIELD n ON typed TYPE int; CREATE typed SET n = 'text'", "FIELD_VIOLATION"],
    ["CREATE one:1; CREATE one:1", "ALREADY_EXISTS"],
    ["DEFINE TABLE two; DEFINE TABLE two", "ALREADY_EXISTS"],
    ["CREATE slow:1; SELECT * FROM slow TIMEOUT 0ns", "QUERY_TIMEOUT"],
    ["BEGIN; CREATE three:1; THROW 'no'; COMMIT", "INVALID_QUERY"],
  ])("%s is %s", async (text, code) => {
    await using db = await openDb(server.url);
    await expect(db.query(text)).rejects.toMatchObject({ code });
  });

  test("of write queries that meet some are refused, each with CONFLICT", async () => {
    await using db = await openDb(server.url);
    await db.create("counters", { n: 0 }, { id: "counters:one" });
    const outcomes = await Promise.allSettled(
      // Each is at it until all have begun, so that they meet however many the machine runs at a time.
      Array.from({ length: 100 }, () => db.query("BEGIN; UPDATE counters:one SET n += 1; RETURN sleep(300ms); COMMIT")),
    );
    const failed = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
    expect(failed.length).toBeGreaterThan(0);
    for (const reason of failed) expect(reason).toMatchObject({ code: "CONFLICT", effect: "none", retryable: true });
  });

  test.each(["url", "httpUrl"] as const)("a wrong password ends the connect (%s)", async (url) => {
    const driver = remoteDriver(server[url], { authentication: { username: "root", password: "wrong" } });
    const db = createDatabase({ driver });
    await expect(db.connect()).rejects.toMatchObject({ code: "AUTHENTICATION_FAILED", retryable: false });
    await db.disconnect();
  });

  test("the ledger is pruned", async () => {
    await using db = await openDb(server.url, { ledgerRetentionMs: 1_000 });
    await db.create("orders", { total: 1 }, { operationId: "order-1", fingerprint: "f" });
    expect(await db.wasApplied("order-1")).toBe(true);
    await vi.waitFor(async () => expect(await db.wasApplied("order-1")).toBe(false), {
      timeout: 20_000,
      interval: 100,
    });
    expect(await db.count("orders")).toBe(1);
  });

  test("a live query is UNSUPPORTED", async () => {
    await using db = await openDb(server.url);
    const events = db.live("orders")[Symbol.asyncIterator]();
    await expect(events.next()).rejects.toMatchObject({ code: "UNSUPPORTED" });
  });

  test("it is among the tested versions", async () => {
    const warned = vi.spyOn(process, "emitWarning");
    await using db = await openDb(server.url);
    expect(await db.healthCheck()).toMatchObject({ status: "healthy" });
    expect(warned).not.toHaveBeenCalled();
  });
});

test.skipIf(!hasSurreal2Engine)(
  "a session of SurrealDB 2 that expires is renewed, the call does not notice",
  async () => {
    await using server = await startSurreal2({ sessionTtl: "1s" });
    await using db = await openDb(server.url);
    const expiry = async () => Number((await db.query("RETURN $session.exp", {}, { access: "read" }))[0]);
    const first = await expiry();
    while (Date.now() / 1_000 <= first + 1) await setTimeout(100);
    await db.create("orders", { total: 1 }, { id: "orders:1" });
    expect(await db.read("orders:1")).toMatchObject({ total: 1 });
    expect(await expiry()).toBeGreaterThan(first);
  },
);

test.skipIf(!hasSurreal2Engine)(
  "a server that comes back as version 3 is spoken to as such, also by who waited for it",
  async () => {
    const old = await startSurreal2();
    await using db = await openDb(old.url);
    await db.create("rows", { n: 1 });
    await old[Symbol.asyncDispose]();
    await vi.waitFor(() => expect(db.state.name).toBe("failed"));
    const waiting = db.find("rows", { where: eq("n", 1), order: [["n", "asc"]] });
    await using _ = await startSurreal({ port: Number(new URL(old.url).port) });
    expect((await waiting).items).toEqual([]);
    const { id } = await db.create("rows", { n: 1 });
    await db.transaction(async (tx) => {
      await tx.update(id, { n: 2 });
    });
    expect(await db.read(id)).toEqual({ id, n: 2 });
  },
);
