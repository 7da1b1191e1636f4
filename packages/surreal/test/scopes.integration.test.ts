import { createDatabase, type DatabaseService, type Scope } from "@db/core";
import { surreal } from "@db/surreal";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { Busy } from "../src/busy.ts";
import { openEngine } from "../src/engine.ts";
import { EngineSessions } from "../src/engine-sessions.ts";
import { checkOptions } from "../src/options.ts";
import { driverOf, ENGINES } from "./support/engines.ts";

const tenant = (name: string, variables?: Scope["variables"]): Scope => ({
  namespace: "tenants",
  database: name,
  ...(variables === undefined ? {} : { variables }),
});

for (const engine of ENGINES) {
  describe(`tenants on ${engine}`, () => {
    let db: DatabaseService;
    beforeAll(async () => {
      db = createDatabase({ driver: driverOf(engine) });
      await db.connect();
    });
    afterAll(() => db.disconnect());

    test("a query runs in its scope, whatever the one before it has set", async () => {
      const [one, two] = [db.withScope(tenant("one")), db.withScope(tenant("two"))];
      const where = "RETURN [session::ns(), session::db(), $leak]";
      await one.query("USE DB two; LET $leak = 1; CREATE leaked:1", {}, { access: "write" });
      for (const [service, place] of [
        [one, "one"],
        [two, "two"],
        [one, "one"],
      ] as const) {
        expect(await service.query(where, {}, { access: "read" })).toEqual([["tenants", place, undefined]]);
      }
      expect(await db.query("RETURN session::db()", {}, { access: "read" })).toEqual(["test"]);
    });

    test("variables are those of the scope, in queries and in the schema, while others have their own", async () => {
      const names = ["ann", "bob", "cid"];
      const all = names.map((who) => db.withScope(tenant("variables", { who })));
      await all[0]?.query("DEFINE TABLE made; DEFINE FIELD who ON made VALUE $who");
      const rows = await Promise.all(
        Array.from({ length: 90 }, async (_, n) => {
          const service = all[n % 3] ?? db;
          const { row } = await service.create("made", { n }, { returning: true });
          const [who] = await service.query("RETURN $who", {}, { access: "read" });
          return [row?.who, who];
        }),
      );
      for (const [n, seen] of rows.entries()) expect(seen).toEqual([names[n % 3], names[n % 3]]);
      const plain = db.withScope(tenant("variables"));
      expect(await plain.query("RETURN $who", {}, { access: "read" })).toEqual([undefined]);
      expect(await db.query("RETURN $who", {}, { access: "read" })).toEqual([undefined]);
    });

    test("variables hold in a transaction, and a query's own parameters come first", async () => {
      const one = db.withScope(tenant("one", { who: "ann", n: 1 }));
      const seen = await one.transaction(async (tx) => tx.query("RETURN [$who, $n]", { n: 2 }, { access: "read" }));
      expect(seen).toEqual([["ann", 2]]);
    });

    test("a write never takes its own values for the scope's, whatever these are called", async () => {
      const names = { id: "x:1", data: 1, p0: 2, record: "y" };
      const one = db.withScope(tenant("names", names));
      await one.create("rows", { a: 1 }, { id: "rows:1", operationId: "names" });
      await one.update("rows:1", { b: 2 }, { expect: { a: 1 } });
      expect(await one.read("rows:1")).toEqual({ id: "rows:1", a: 1, b: 2 });
      expect(await one.query("RETURN [$id, $data, $p0, $record]", {}, { access: "read" })).toEqual([
        ["x:1", 1, 2, "y"],
      ]);
    });

    test("transactions of two tenants side by side stay apart", async () => {
      const [one, two] = [db.withScope(tenant("tx1")), db.withScope(tenant("tx2"))];
      const add = async (service: typeof one, n: number): Promise<void> => {
        await service.transaction(
          async (tx) => {
            await tx.create("rows", { n }, { id: `rows:${n}` });
            await tx.update(`rows:${n}`, { done: true });
          },
          { maxAttempts: 50 },
        );
      };
      await Promise.all(Array.from({ length: 20 }, (_, n) => add(n % 2 === 0 ? one : two, n)));
      expect([await one.count("rows"), await two.count("rows")]).toEqual([10, 10]);
      expect(await one.read("rows:1")).toBeUndefined();
    });

    test("50 first creates of a collection at once do not conflict in a new scope either", async () => {
      const fresh = db.withScope(tenant("fresh"));
      await Promise.all(Array.from({ length: 50 }, (_, n) => fresh.create("rows", { n })));
      expect(await fresh.count("rows")).toBe(50);
    });

    test("entering a place for the first time, beside 50 others of its namespace, does not conflict", async () => {
      const places = Array.from({ length: 50 }, (_, n) => db.withScope({ namespace: "entered", database: `d${n}` }));
      const asked = places.map((place) => place.query("RETURN session::db()", {}, { access: "read" }));
      expect(await Promise.all(asked)).toEqual(places.map((_, n) => [`d${n}`]));
    });

    test("increments of one record by the scope's name and by default are one line", async () => {
      const own = db.withScope({ namespace: "test", database: "test" });
      await db.create("counters", { n: 0 }, { id: "counters:scope" });
      const add = (service: Pick<DatabaseService, "update">) =>
        service.update("counters:scope", { n: 1 }, { mode: "increment" });
      await Promise.all(Array.from({ length: 100 }, (_, n) => add(n % 2 === 0 ? own : db)));
      expect(await own.read("counters:scope")).toMatchObject({ n: 100 });
    });

    test("names that no query could hold are places like any other", async () => {
      const odd = ["a`; REMOVE DATABASE test; `", "7", "ü 😀", "a b"];
      const services = odd.map((name) => db.withScope({ namespace: name, database: name }));
      await Promise.all(services.map((service, n) => service.create("rows", { n }, { id: "rows:one" })));
      for (const [n, service] of services.entries()) expect(await service.read("rows:one")).toMatchObject({ n });
    });
  });
}

describe("a scope", () => {
  test("of a service that has closed is CLOSED, and before connect NOT_CONNECTED", async () => {
    const db = createDatabase({ driver: driverOf("mem") });
    const one = db.withScope(tenant("one"));
    await expect(one.count("rows")).rejects.toMatchObject({ code: "NOT_CONNECTED" });
    await db.connect();
    expect(await one.count("rows")).toBe(0);
    await db.disconnect();
    await expect(one.count("rows")).rejects.toMatchObject({ code: "CLOSED" });
    await expect(one.transaction(async () => {})).rejects.toMatchObject({ code: "CLOSED" });
  });

  test("is no option of the driver: its variables are the caller's", () => {
    const options = { url: "mem://", namespace: "n", database: "d", variables: {} };
    expect(() => surreal(options)).toThrow('unknown option "variables"');
  });
});

describe("the sessions of an engine", () => {
  test("are bounded however many tenants come, and those in use stay open", async () => {
    const options = checkOptions({ url: "mem://", namespace: "n", database: "d" });
    if (options.kind !== "embedded") throw new Error("mem is embedded");
    const connection = await openEngine(options);
    const busy = new Busy();
    onTestFinished(async () => {
      await busy.idle();
      await connection.close();
    });
    const sessions = new EngineSessions(() => connection, options, busy);
    const contextOf = (n: number) => ({ scope: tenant(`t${n}`), aborted: false }) as never;
    const held = await sessions.hold(contextOf(0));
    for (let n = 1; n <= 200; n += 1)
      await sessions.run(contextOf(n), (session) => session.query("RETURN 1").collect());
    expect(sessions.size).toBeLessThanOrEqual(65);
    expect(await held.session.query("RETURN session::db()").collect()).toEqual(["t0"]);
    held.release();
    const again = await sessions.run(contextOf(1), (session) => session.query("RETURN session::db()").collect());
    expect(again).toEqual(["t1"]);
  });
});
