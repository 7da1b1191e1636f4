import { createDatabase } from "@db/core";
import { retryLayer } from "@db/retry/layer";
import { surreal } from "@db/surreal";
import { startSurreal } from "@db/testing";
import { expect, onTestFinished, test } from "vitest";
import { amountOf, telemetry } from "./support/telemetry.ts";

const DURATION = "db.client.operation.duration";

test("of a real server: where calls went, what it is, how its connections are, and its outage", async () => {
  const { series, spans, metrics } = telemetry({ level: "all" });
  const server = await startSurreal({ engine: "mem" });
  onTestFinished(() => server.close());
  const db = createDatabase({
    driver: surreal({
      url: server.url,
      namespace: "shop",
      database: "main",
      authentication: { username: "root", password: "root" },
    }),
    layers: [retryLayer()],
    timeoutMs: 5_000,
  });
  onTestFinished(() => db.disconnect());
  await db.connect();
  await db.create("notes", { title: "SECRET" }, { id: "notes:SECRET" });
  await db.create("notes", { title: "SECRET" }, { id: "notes:SECRET" }).catch(() => {});
  await db.query("SELECT * FROM notes WHERE title = 'SECRET' AND $x", { x: "SECRET" }, { access: "read" });
  await db.query("SELEKT 'SECRET'").catch(() => {});

  const where = { "db.system.name": "surrealdb", "db.namespace": "shop|main", "server.address": "127.0.0.1" };
  const found = await series(DURATION);
  expect(found.map(({ labels }) => labels)).toEqual(
    found.map(() => expect.objectContaining({ ...where, "server.port": server.port })),
  );
  expect(amountOf(found, { "db.query.summary": "SELECT notes" })).toBe(1);
  expect(amountOf(found, { "error.type": "ALREADY_EXISTS" })).toBe(1);
  expect(amountOf(found, { "error.type": "INVALID_QUERY" })).toBe(1);

  const [build] = (await series("database.build_info")).filter(({ value }) => value === 1);
  expect(build?.labels.server_version).toMatch(/\d+\.\d+\.\d+/);
  expect((await series("db.client.connection.max"))[0]?.value).toBeGreaterThan(0);
  expect((await series("db.client.connection.use_time"))[0]?.count).toBeGreaterThanOrEqual(4);
  const stateOf = async (state: string): Promise<unknown> =>
    (await series("database.connection.state")).find(({ labels }) => "adapter" in labels && labels.state === state)
      ?.value;
  expect(await stateOf("connected")).toBe(1);

  await server.kill();
  await db.read("notes:1", { timeoutMs: 500 }).catch(() => {});
  expect([await stateOf("connected"), await stateOf("failed")]).toEqual([0, 1]);
  expect((await series(DURATION)).filter(({ labels }) => labels["db.operation.name"] === "read")).toHaveLength(1);

  const told = JSON.stringify([
    await Promise.all([...Object.keys(metrics.selfCheck().series)].map(series)),
    spans().map(({ name, attributes, events, status }) => [name, attributes, events, status]),
  ]);
  expect(told).not.toContain("SECRET");
  expect(metrics.selfCheck().faults).toBe(0);
});

test("of the embedded engine: what it is, and a span for its call", async () => {
  const { series, spans } = telemetry({ level: "detailed" });
  const db = createDatabase({
    driver: surreal({ url: "mem://", namespace: "shop", database: "main" }),
    layers: [retryLayer()],
  });
  onTestFinished(() => db.disconnect());
  await db.connect();
  await db.create("notes", { n: 0 }, { id: "notes:1" });
  expect((await series(DURATION)).map(({ labels, count }) => [labels, count])).toEqual([
    [
      {
        "db.system.name": "surrealdb",
        "db.namespace": "shop|main",
        "db.operation.name": "create",
        "db.collection.name": "notes",
      },
      1,
    ],
  ]);
  expect(spans().map(({ name }) => name)).toEqual(["create notes"]);
});
