import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createDatabase, type DatabaseService, type LiveEvent } from "@db/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { driverOf, ENGINES, urlOf } from "./support/engines.ts";

const run = promisify(execFile);
const child = fileURLToPath(new URL("./support/child.ts", import.meta.url));
const STARTED: LiveEvent = { action: "resync", reason: "started" };
const LOST: LiveEvent = { action: "resync", reason: "lost" };

for (const engine of ENGINES) {
  describe(`live queries on ${engine}`, () => {
    let db: DatabaseService;
    beforeAll(async () => {
      db = createDatabase({ driver: driverOf(engine) });
      await db.connect();
    });
    afterAll(() => db.disconnect());

    /** How many the engine holds on a table. */
    const standing = async (table: string): Promise<number> => {
      const [info] = await db.query<{ lives: object }>(`INFO FOR TABLE ${table}`, {}, { access: "read" });
      return Object.keys(info?.lives ?? {}).length;
    };

    test("tell what a query and a block have written as well", async () => {
      await using live = liveOf(db, "texts");
      expect(await live.next()).toEqual(STARTED);
      await db.query("CREATE texts:one SET n = 1");
      expect(await live.next()).toMatchObject({ action: "create", id: "texts:one", row: { id: "texts:one", n: 1 } });
      await db.query("BEGIN; UPDATE texts:one SET n = 2; COMMIT");
      expect(await live.next()).toMatchObject({ action: "update", row: { n: 2 } });
    });

    test("of a transaction tell to read again, for the engine does not tell them", async () => {
      await using live = liveOf(db, "transacted");
      expect(await live.next()).toEqual(STARTED);
      await db.transaction(async (tx) => void (await tx.read("transacted:one")));
      await db.transaction(async (tx) => void (await tx.create("transacted", { n: 1 }, { id: "transacted:one" })));
      expect(await live.next()).toEqual(LOST);
      expect(await db.read("transacted:one")).toMatchObject({ n: 1 });
    });

    test("end where the table is removed, and another begins anew", async () => {
      await db.create("removed", {});
      const live = liveOf(db, "removed");
      expect(await live.next()).toEqual(STARTED);
      const end = live.next();
      await db.query("REMOVE TABLE removed");
      expect(await end).toBeUndefined();
      await using anew = liveOf(db, "removed");
      expect(await anew.next()).toEqual(STARTED);
      await db.create("removed", { n: 1 });
      expect(await anew.next()).toMatchObject({ action: "create" });
    });

    test("that nobody needs any more are gone from the engine: by return, by signal, also unread", async () => {
      await db.create("ended", {});
      const controller = new AbortController();
      const [read, aborted] = [liveOf(db, "ended"), liveOf(db, "ended", { signal: controller.signal })];
      expect([await read.next(), await aborted.next()]).toEqual([STARTED, STARTED]);
      expect(await standing("ended")).toBe(2);
      await read[Symbol.asyncDispose]();
      expect(await standing("ended")).toBe(1);
      controller.abort();
      await expect.poll(() => standing("ended")).toBe(0);
      expect(await aborted.next()).toBeUndefined();
    });

    test("100 begun and ended at once leave none behind", async () => {
      await Promise.all(
        Array.from({ length: 100 }, async () => {
          for await (const event of db.live("hundred")) {
            expect(event).toEqual(STARTED);
            break;
          }
        }),
      );
      expect(await standing("hundred")).toBe(0);
    });

    test("that are aborted while they begin end without an error and leave none behind", async () => {
      await db.create("begun", {});
      for (let point = 0; point < 20; point += 1) {
        const controller = new AbortController();
        const live = liveOf(db, "begun", { signal: controller.signal });
        const first = live.next().catch((error: { code: string }) => error.code);
        for (let step = 0; step < point; step += 1) await new Promise((resolve) => setImmediate(resolve));
        controller.abort();
        expect([undefined, "CANCELLED", STARTED]).toContainEqual(await first);
        await live[Symbol.asyncDispose]();
      }
      await expect.poll(() => standing("begun")).toBe(0);
    });

    test("give changes in their order though the engine does not", async () => {
      await using live = liveOf(db, "ordered", { bufferSize: 5_000 });
      expect(await live.next()).toEqual(STARTED);
      await db.create("ordered", { n: 0 }, { id: "ordered:1" });
      for (let n = 1; n <= 500; n += 1) await db.update("ordered:1", { n });
      const seen: number[] = [];
      while (seen.at(-1) !== 500) {
        const event = await live.next();
        if (event?.action === "create" || event?.action === "update") seen.push(Number(event.row.n));
      }
      expect(seen).toEqual([...seen].sort((a, b) => a - b));
    });

    test("of a row whose key is no text end with UNSUPPORTED, and name it", async () => {
      const live = liveOf(db, "odd");
      expect(await live.next()).toEqual(STARTED);
      await db.query("CREATE odd:7");
      await expect(live.next()).rejects.toMatchObject({
        code: "UNSUPPORTED",
        message: expect.stringContaining("odd:7"),
      });
    });

    test("let the process end by itself, read or not, and reject nothing that nobody sees", async () => {
      const { stdout, stderr } = await run(
        process.execPath,
        ["--disable-warning=ExperimentalWarning", child, "live", urlOf(engine)],
        { timeout: 20_000 },
      );
      expect([stdout.trim(), stderr]).toEqual(["done done", ""]);
    });
  });
}

/** A live query read event by event: `next` is undefined at its end. */
function liveOf(
  db: DatabaseService,
  collection: string,
  options?: Parameters<DatabaseService["live"]>[1],
): AsyncDisposable & { next(): Promise<LiveEvent | undefined> } {
  const events = db.live(collection, options)[Symbol.asyncIterator]();
  return {
    async next() {
      const { done, value } = await events.next();
      return done === true ? undefined : value;
    },
    async [Symbol.asyncDispose]() {
      await events.return?.();
    },
  };
}
