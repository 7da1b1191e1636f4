import { execFile } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createDatabase, type DatabaseService, eq, stream } from "@db/core";
import { surreal } from "@db/surreal";
import { Decimal } from "surrealdb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { driverOf, ENGINES, freshPath, urlOf } from "./support/engines.ts";

const run = promisify(execFile);
const child = fileURLToPath(new URL("./support/child.ts", import.meta.url));
const inChild = (...args: readonly string[]): Promise<{ stdout: string }> =>
  run(process.execPath, ["--disable-warning=ExperimentalWarning", child, ...args], { timeout: 20_000 });

for (const engine of ENGINES) {
  describe(`SurrealDB on ${engine}`, () => {
    let db: DatabaseService;
    beforeAll(async () => {
      db = createDatabase({ driver: driverOf(engine) });
      await db.connect();
    });
    afterAll(() => db.disconnect());

    test("200 concurrent increments of one record, all acknowledged, add up to 200", async () => {
      await db.create("counters", { n: 0 }, { id: "counters:one" });
      const done = await Promise.all(
        Array.from({ length: 200 }, () => db.update("counters:one", { n: 1 }, { mode: "increment" })),
      );
      expect(done).toHaveLength(200);
      expect(await db.read("counters:one")).toMatchObject({ n: 200 });
    });

    test("increments beside transactions and write queries on the same record lose nothing that was acknowledged", async () => {
      await db.create("counters", { n: 0 }, { id: "counters:mixed" });
      const kinds = [
        () => db.update("counters:mixed", { n: 1 }, { mode: "increment" }),
        () => db.query("UPDATE counters:mixed SET n += 1"),
        () =>
          db.transaction((tx) => tx.update("counters:mixed", { n: 1 }, { mode: "increment" }), { maxAttempts: 100 }),
      ];
      const outcomes = await Promise.allSettled(Array.from({ length: 150 }, (_, index) => kinds[index % 3]?.()));
      const acknowledged = outcomes.filter(({ status }) => status === "fulfilled").length;
      expect(await db.read("counters:mixed")).toMatchObject({ n: acknowledged });
      for (const outcome of outcomes)
        if (outcome.status === "rejected") expect(outcome.reason).toMatchObject({ code: "CONFLICT", effect: "none" });
    });

    test("50 first creates of a collection at once do not conflict", async () => {
      await Promise.all(Array.from({ length: 50 }, (_, index) => db.create("brand_new", { index })));
      expect(await db.count("brand_new")).toBe(50);
    });

    test("a query that is given up goes on in the engine, and its record waits for it", async () => {
      const slow = db.query(
        "CREATE slow:one SET n = 1; RETURN sleep(1200ms); UPDATE slow:one SET n += 1",
        {},
        { timeoutMs: 50 },
      );
      await expect(slow).rejects.toMatchObject({ code: "QUERY_TIMEOUT", effect: "unknown" });
      await expect.poll(() => db.read("slow:one")).toMatchObject({ n: 2 });
    });

    test("USE and LET in a query do not leak into the next one", async () => {
      await db.query("DEFINE NAMESPACE other; USE NS other; LET $leak = 5");
      expect(await db.query("RETURN session::ns(); RETURN $leak", {}, { access: "read" })).toEqual(["test", undefined]);
    });

    test("a failed block tells its true cause and leaves nothing", async () => {
      const block = db.query("BEGIN; CREATE block:1; CREATE block:1; CREATE block:2; COMMIT");
      await expect(block).rejects.toMatchObject({
        code: "ALREADY_EXISTS",
        effect: "none",
        message: expect.stringContaining("statement 3"),
      });
      expect(await db.count("block")).toBe(0);
    });

    test("a statement that failed half-way keeps its transaction from being committed", async () => {
      const work = db.transaction(async (tx) => {
        await tx.query("{ CREATE half:1; THROW 'no' }").catch(() => "caught by the work");
      });
      await expect(work).rejects.toMatchObject({ code: "TRANSACTION_FAILED", effect: "none", retryable: false });
      expect(await db.count("half")).toBe(0);
    });

    test("a query of several rows that failed at the second cannot be committed, whatever its error", async () => {
      await db.create("several", {}, { id: "several:x" });
      const work = db.transaction(async (tx) => {
        await tx.query("INSERT INTO several [{ id: 'n1' }, { id: 'x' }, { id: 'n2' }]").catch(() => "caught");
      });
      await expect(work).rejects.toMatchObject({ code: "TRANSACTION_FAILED", effect: "none" });
      expect(await db.count("several")).toBe(1);
    });

    test("refusals that changed nothing leave a transaction as it was", async () => {
      await db.create("refused", { text: "t" }, { id: "refused:1" });
      await db.transaction(async (tx) => {
        const refusals = [
          tx.create("refused", {}, { id: "refused:1" }),
          tx.update("refused:2", {}),
          tx.delete("refused:1", { expect: { text: "other" } }),
          tx.update("refused:1", { text: 1 }, { mode: "increment" }),
        ];
        const codes = (await Promise.allSettled(refusals)).map((one) =>
          one.status === "rejected" ? one.reason.code : "done",
        );
        expect(codes).toEqual(["ALREADY_EXISTS", "NOT_FOUND", "PRECONDITION_FAILED", "FIELD_VIOLATION"]);
        await tx.update("refused:1", { done: true });
      });
      expect(await db.read("refused:1")).toEqual({ id: "refused:1", text: "t", done: true });
    });

    test("every write of a transaction gives back its row with the id", async () => {
      await db.create("given", { n: 0 }, { id: "given:1" });
      await db.transaction(async (tx) => {
        const made = await tx.create("given", { n: 1 }, { id: "given:2", returning: true });
        const changed = await tx.update("given:2", { n: 2 }, { returning: true });
        const gone = await tx.delete("given:2", { returning: true });
        const old = await tx.delete("given:1", { returning: true });
        expect([made, changed, gone, old].map(({ row }) => row)).toEqual([
          { id: "given:2", n: 1 },
          { id: "given:2", n: 2 },
          { id: "given:2", n: 2 },
          { id: "given:1", n: 0 },
        ]);
      });
    });

    test("a statement whose time runs out in the line is never sent and does not doom its transaction", async () => {
      await db.transaction(async (tx) => {
        let isDone = false;
        const slow = tx.query("CREATE waiting:1; RETURN sleep(1200ms)").finally(() => {
          isDone = true;
        });
        await expect(tx.create("waiting", {}, { timeoutMs: 30 })).rejects.toMatchObject({ code: "QUERY_TIMEOUT" });
        expect(isDone).toBe(false);
        await slow;
      });
      expect(await db.count("waiting")).toBe(1);
    });

    test("an ordered page gives the rows as they are stored, also with fields named like our columns", async () => {
      const stored = { id: "named:1", n: 1, r0: "mine", v0: "mine", i: "mine", d: "mine" };
      await db.create("named", stored, { id: stored.id });
      expect((await db.find("named", { order: [["n", "asc"]] })).items).toEqual([stored]);
    });

    test("decimals are ordered among the numbers, page by page", async () => {
      const values = [new Decimal("10.5"), 9, new Decimal("100"), 10n, new Decimal("-1"), 10.4];
      await Promise.all(values.map((d) => db.create("decimals", { d })));
      const seen: string[] = [];
      for await (const { d } of stream(db, "decimals", { order: [["d", "asc"]] }, { pageSize: 1 }))
        seen.push(String(d));
      expect(seen).toEqual(["-1", "9", "10", "10.4", "10.5", "100"]);
    });

    test("a sum that is no finite number, and a date beyond the engine's calendar, are refused", async () => {
      await db.create("bounds", { n: 1e308 }, { id: "bounds:1" });
      const sum = db.update("bounds:1", { n: 1e308 }, { mode: "increment" });
      await expect(sum).rejects.toMatchObject({ code: "FIELD_VIOLATION", effect: "none" });
      const late = db.create("bounds", { at: new Date(8.64e15) });
      await expect(late).rejects.toMatchObject({ code: "VALIDATION_FAILED", effect: "none" });
    });

    test("concurrent statements in one transaction lose nothing", async () => {
      await db.create("counters", { n: 0 }, { id: "counters:inside" });
      await db.transaction(async (tx) => {
        await Promise.all(
          Array.from({ length: 10 }, () => tx.update("counters:inside", { n: 1 }, { mode: "increment" })),
        );
      });
      expect(await db.read("counters:inside")).toMatchObject({ n: 10 });
    });

    test("after a transaction that was cut off in a statement, others can write at once", async () => {
      await db.create("cut", { n: 0 }, { id: "cut:1" });
      const cut = db.transaction((tx) => tx.query("UPDATE cut:1 SET n = 1; RETURN sleep(1200ms)"), { timeoutMs: 50 });
      await expect(cut).rejects.toMatchObject({ code: "QUERY_TIMEOUT", effect: "none" });
      await db.update("cut:1", { n: 1 }, { mode: "increment" });
      expect(await db.read("cut:1")).toMatchObject({ n: 1 });
    });

    test("pages over dates with nanoseconds give every row once", async () => {
      await db.query(
        "FOR $i IN 0..30 { CREATE ticks SET at = d'2026-01-01T00:00:00.123456789Z' + duration::from_nanos($i * 100) }",
      );
      await db.query(
        "FOR $r IN (SELECT VALUE id FROM ticks) { CREATE type::record('nano', <string> record::id($r)) SET at = $r.at }",
      );
      const seen: string[] = [];
      for await (const { id } of stream(db, "nano", { order: [["at", "asc"]] }, { pageSize: 4 })) seen.push(id);
      expect(new Set(seen).size).toBe(seen.length);
      expect(seen).toHaveLength(30);
    });

    test("a row whose key is no text is refused by find and named", async () => {
      await db.query("CREATE odd:7");
      await expect(db.find("odd")).rejects.toMatchObject({
        code: "UNSUPPORTED",
        message: expect.stringContaining("odd:7"),
      });
    });

    test("a record of a table with computed fields can be deleted, and its row had them", async () => {
      await db.query("DEFINE TABLE computed; DEFINE FIELD twice ON computed COMPUTED n * 2");
      await db.create("computed", { n: 1 }, { id: "computed:1" });
      await db.create("computed", { n: 2 }, { id: "computed:2" });
      await db.delete("computed:1");
      const { row } = await db.delete("computed:2", { expect: { n: 2 }, returning: true });
      expect(row).toEqual({ id: "computed:2", n: 2, twice: 4 });
    });

    test("schema errors name the field or the index, and never the value", async () => {
      await db.query("DEFINE TABLE strict SCHEMAFULL; DEFINE FIELD n ON strict TYPE int ASSERT $value > 0");
      const refused = await db.create("strict", { n: -4242 }).catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: "FIELD_VIOLATION", facts: { field: "n" }, effect: "none" });
      expect((refused as Error).message).not.toContain("4242");
    });

    test("a table that the schema asks for and that is not there is no missing record, and no empty page", async () => {
      const refused = { code: "INVALID_QUERY", effect: "none", retryable: false };
      await db.query("DEFINE TABLE links; DEFINE FIELD targets ON links COMPUTED (SELECT * FROM gone)");
      const { id } = await db.create("links", { n: 1 });
      await expect(db.read(id)).rejects.toMatchObject(refused);
      await expect(db.find("links")).rejects.toMatchObject(refused);
      expect(await db.count("links")).toBe(1);
      await db.query("REMOVE FIELD targets ON links; DEFINE FIELD targets ON links VALUE (SELECT * FROM gone)");
      await expect(db.update(id, { n: 2 })).rejects.toMatchObject(refused);
      await expect(db.update(id, { n: 2 }, { mode: "increment" })).rejects.toMatchObject(refused);
      await expect(db.create("links", { n: 1 })).rejects.toMatchObject(refused);
      await db.query("REMOVE FIELD targets ON links");
      expect(await db.read(id)).toMatchObject({ n: 1 });
    });

    test("an increment that the schema's events refuse is not told as a sum that does not fit", async () => {
      await db.query("DEFINE TABLE watched; DEFINE EVENT no ON watched WHEN $before != NONE THEN { THROW 'no' }");
      const { id } = await db.create("watched", { n: 1 });
      const refused = db.update(id, { n: 1 }, { mode: "increment" });
      await expect(refused).rejects.toMatchObject({ code: "INVALID_QUERY", effect: "none" });
      expect(await db.read(id)).toMatchObject({ n: 1 });
    });

    test("a filter and an order as large as core allows are answered", async () => {
      let where = eq("n", 1);
      for (let depth = 0; depth < 11; depth += 1) where = { op: "not", filter: where };
      const wide = { op: "or", filters: Array.from({ length: 900 }, (_, n) => eq("n", n)) } as const;
      const order = Array.from({ length: 8 }, (_, index) => [[`f${index}`, "g"], "desc"] as const);
      await db.create("large", { n: 1 });
      await db.create("large", { n: 2 });
      expect(await db.count("large", where)).toBe(1);
      expect(await db.count("large", wide)).toBe(2);
      const first = await db.find("large", { order, limit: 1 });
      const second = await db.find("large", { order, limit: 1, after: String(first.next) });
      expect([...first.items, ...second.items].map(({ n }) => n).sort()).toEqual([1, 2]);
    });
  });
}

describe("opening", () => {
  test("a path that another holds is waited for", async () => {
    const path = freshPath();
    await using first = createDatabase({ driver: driverOf("surrealkv", path) });
    await first.connect();
    await using second = createDatabase({ driver: driverOf("surrealkv", path) });
    const connecting = second.connect();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(second.state.name).toBe("connecting");
    expect((await second.healthCheck()).status).toBe("starting");
    await first.disconnect();
    await connecting;
    expect(second.state.name).toBe("connected");
  });

  test.each(ENGINES.slice(1))(
    "a path of %s that is open already is DATABASE_LOCKED, in this process and in another",
    async (engine) => {
      const path = freshPath();
      await using first = createDatabase({ driver: driverOf(engine, path) });
      await first.connect();
      await using second = createDatabase({ driver: driverOf(engine, path) });
      // One attempt has to end in it, also where the disk pauses.
      await expect(second.connect({ timeoutMs: 2_500 })).rejects.toMatchObject({
        code: "DATABASE_LOCKED",
        // Within one process a rocksdb path never opens again.
        retryable: engine !== "rocksdb",
        facts: { path },
      });
      const { stdout } = await inChild("open", urlOf(engine, path));
      expect(stdout.trim()).toBe("DATABASE_LOCKED");
    },
  );

  test("surrealkv opens again in the same process, and finds what was written", async () => {
    const path = freshPath();
    for (const round of [1, 2, 3]) {
      await using db = createDatabase({ driver: driverOf("surrealkv", path) });
      await db.connect();
      await db.create("rounds", { round });
      expect(await db.count("rounds")).toBe(round);
    }
  });

  test.each(ENGINES.slice(1))(
    "a path of %s that is a file, or below one, is refused with its cause",
    async (engine) => {
      const file = join(freshPath(), "file");
      writeFileSync(file, "");
      for (const path of [file, join(file, "below")]) {
        await using db = createDatabase({ driver: driverOf(engine, path) });
        await expect(db.connect()).rejects.toMatchObject({
          code: "CONNECTION_FAILED",
          retryable: false,
          cause: expect.anything(),
        });
      }
    },
  );

  test.each(ENGINES.slice(1))(
    "%s takes a path with spaces, percent signs and unicode as it is, and makes missing folders",
    async (engine) => {
      const path = join(freshPath(), "a b", "100%25 ü 😀#");
      const made = await inChild("write", urlOf(engine, path));
      expect(made.stdout.trim()).toBe("1");
      const found = await inChild("write", urlOf(engine, path));
      expect(found.stdout.trim()).toBe("2");
    },
  );

  test("a folder that may not be written is refused with its cause", async ({ skip }) => {
    skip(process.getuid?.() === 0, "the superuser may write everywhere");
    const folder = join(freshPath(), "closed");
    mkdirSync(folder);
    chmodSync(folder, 0o500);
    await using db = createDatabase({ driver: driverOf("rocksdb", join(folder, "db")) });
    await expect(db.connect()).rejects.toMatchObject({ code: "CONNECTION_FAILED" });
  });
});

describe("closing", () => {
  test.each(ENGINES)(
    "with 200 statements under way on %s waits for them and lets the process exit by itself",
    async (engine) => {
      const { stdout } = await inChild("busy", urlOf(engine));
      expect(stdout.trim()).toBe("closed with 0 pending");
    },
  );

  test("of an engine that is still at work rejects in time, and the engine closes when it is done", async () => {
    const { stdout } = await inChild("late", "mem://");
    expect(stdout.trim()).toBe("INTERNAL");
  });

  test("a statement that outlives its caller is waited for, and its caller is told at once", async () => {
    const driver = surreal({ url: "mem://", namespace: "test", database: "test" });
    const db = createDatabase({ driver });
    await db.connect();
    const hung = db.query("RETURN sleep(2s)", {}, { access: "read" });
    hung.catch(() => {});
    const closing = db.disconnect({ drainMs: 50 });
    await expect(hung).rejects.toMatchObject({ code: "CLOSED" });
    await closing;
  });
});
