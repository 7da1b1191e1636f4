import { expect, test } from "vitest";
import { amountOf, telemetry } from "./support/telemetry.ts";
import { pool, register, service } from "./support/workload.ts";

const COUNT = "db.client.connection.count";

test("a pool made before is seen, and one that is gone is 0", async () => {
  const early = pool("early");
  const lease = await early.acquire();
  const { series } = telemetry();
  const used = { "db.client.connection.pool.name": "early", "db.client.connection.state": "used" };
  expect(amountOf(await series(COUNT), used)).toBe(1);
  lease.release();
  await early.close();
  expect(amountOf(await series(COUNT), used)).toBe(0);
  expect(amountOf(await series("db.client.connection.max"), {})).toBe(0);
  expect(amountOf(await series("database.connection.acquires"), {})).toBe(1);
});

test("pools of one name are added up", async () => {
  const { series } = telemetry();
  await Promise.all([pool("twin").acquire(), pool("twin").acquire()]);
  const used = { "db.client.connection.pool.name": "twin", "db.client.connection.state": "used" };
  expect(amountOf(await series(COUNT), used)).toBe(2);
});

test("more pools than series share one name, with their sizes added up", async () => {
  const { series } = telemetry({ maxSeries: 16 });
  const leases = await Promise.all(Array.from({ length: 40 }, (_, index) => pool(`p${index}`).acquire()));
  const found = (await series("db.client.connection.max")).map(({ value = 0 }) => value);
  expect(found.length).toBeLessThanOrEqual(17);
  expect(found.reduce((sum, value) => sum + value, 0)).toBe(40);
  expect((await series(COUNT)).reduce((sum, { value = 0 }) => sum + value, 0)).toBe(40);
  for (const lease of leases) lease.release();
});

test("timeouts start at 0, so that the first one is an increase", async () => {
  const { series, collect } = telemetry();
  const small = pool("small");
  const lease = await small.acquire();
  await collect();
  expect(amountOf(await series("db.client.connection.timeouts"), {})).toBe(0);
  await small.acquire({ timeoutMs: 1 }).catch(() => {});
  expect(amountOf(await series("db.client.connection.timeouts"), {})).toBe(1);
  lease.release();
});

test("the state of a service follows it, and all states are told", async () => {
  const { series } = telemetry();
  const db = await service("stateful");
  const states = async (): Promise<unknown[]> =>
    (await series("database.connection.state"))
      .filter(({ labels }) => labels.adapter === "stateful")
      .map(({ labels: { state }, value }) => [state, value]);
  const all = ["disconnected", "connecting", "connected", "failed", "closed"];
  expect(await states()).toEqual(all.map((state) => [state, state === "connected" ? 1 : 0]));
  await db.disconnect();
  expect(await states()).toEqual(all.map((state) => [state, 0]));
});

test("without a service the versions are told all the same", async () => {
  const { series } = telemetry();
  expect((await series("database.build_info")).map(({ labels, value }) => [Object.keys(labels), value])).toEqual([
    [["version", "runtime"], 1],
  ]);
});

test("a component whose figures throw hides no other, and is counted", async () => {
  const { series, metrics } = telemetry();
  const end = register({
    kind: "pool",
    name: "hostile",
    stats: () => {
      throw new Error("SECRET");
    },
  });
  pool("good");
  expect(amountOf(await series("db.client.connection.max"), { "db.client.connection.pool.name": "good" })).toBe(1);
  const { faults, lastFault } = metrics.selfCheck();
  expect(faults).toBeGreaterThan(0);
  expect(lastFault).toBe("figures of a pool: Error");
  end();
});
