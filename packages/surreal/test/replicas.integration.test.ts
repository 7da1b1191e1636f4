import { createDatabase } from "@db/core";
import { type SurrealServer, startSurreal } from "@db/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { remoteDriver } from "./support/server.ts";

let primary: SurrealServer;
let replicas: SurrealServer[];

beforeAll(async () => {
  primary = await startSurreal();
  replicas = [await startSurreal(), await startSurreal()];
});
afterAll(() => Promise.all([primary, ...replicas].map((server) => server.close())));

const requests = async (): Promise<readonly number[]> =>
  Promise.all(replicas.map(async (server) => (await server.stats()).requests));

test("reads go to the replicas in turn, and what is lost with one is read elsewhere", async () => {
  const [first, second] = replicas as [SurrealServer, SurrealServer];
  await using db = createDatabase({
    driver: remoteDriver(primary.url, { readUrls: [first.url, second.url] }),
  });
  await db.connect();
  await expect.poll(async () => (await db.healthCheck()).status).toBe("healthy");

  const before = await requests();
  for (let n = 0; n < 20; n += 1) expect(await db.count("notes")).toBe(0);
  const after = await requests();
  expect(after.map((count, index) => count - (before[index] ?? 0))).toEqual([10, 10]);

  // Nothing replicates here, so what was written tells which server answered.
  const { id } = await db.create("notes", { n: 1 });
  expect(await db.read(id)).toBeUndefined();
  expect(await db.transaction((tx) => tx.read(id))).toMatchObject({ n: 1 });

  await first.fault({ delayMs: 100 });
  await second.fault({ delayMs: 100 });
  const reads = Promise.all(Array.from({ length: 30 }, () => db.count("notes")));
  await new Promise((resolve) => setTimeout(resolve, 50));
  await first.kill();
  const counts = await reads;
  expect(counts).toEqual(Array.from({ length: 30 }, () => 0));
  await expect.poll(async () => (await db.healthCheck()).status).toBe("degraded");
  expect(db.state.name).toBe("connected");

  await second.kill();
  for (let n = 0; n < 10; n += 1) expect(await db.count("notes")).toBe(1);

  await first.restart();
  await second.restart();
  await expect.poll(async () => (await db.healthCheck()).status).toBe("healthy");
  expect(await db.count("notes")).toBe(0);
});

test("a replica that was never there fails neither the start nor a read", async () => {
  await using db = createDatabase({
    driver: remoteDriver(primary.url, { readUrls: ["ws://127.0.0.1:9/rpc"] }),
  });
  await db.connect();
  expect(await db.count("notes")).toBe(0);
  const health = await db.healthCheck();
  expect(health).toMatchObject({ status: "degraded" });
  expect(JSON.stringify(health)).toContain("1 of 1 read replicas away");
});
