import { describe, expect, test } from "vitest";
import { DatabaseErrorOf, type DatabaseService, type Statements } from "../src/index.ts";
import { checkLeaksAfterEach } from "./support/leaks.ts";
import { MemoryStore } from "./support/memory.ts";
import { connected, failure, hang, rejection } from "./support/service.ts";

checkLeaksAfterEach();

async function open() {
  const store = new MemoryStore();
  return { store, db: await connected({ ...store.parts(), capabilities: { transactions: true, scopes: true } }) };
}

describe("work that does not end", () => {
  test("is left at the deadline, and what it did is rolled back", async () => {
    const { db, store } = await open();
    const error = await failure(
      db.transaction(
        async (tx) => {
          await tx.create("notes", {});
          await hang();
        },
        { timeoutMs: 20 },
      ),
    );
    expect(error).toMatchObject({ code: "QUERY_TIMEOUT", effect: "none" });
    expect(store.log).toEqual(["begin", "create", "rollback"]);
    expect(store.rows.size).toBe(0);
  });

  test("is left when the caller cancels, with the reason as the cause", async () => {
    const { db, store } = await open();
    const controller = new AbortController();
    const failed = failure(db.transaction(hang, { signal: controller.signal }));
    setImmediate(() => controller.abort("gone"));
    expect(await failed).toMatchObject({ code: "CANCELLED", effect: "none", cause: "gone" });
    expect(store.log).toEqual(["begin", "rollback"]);
  });

  test("is left when the service closes", async () => {
    const { db, store } = await open();
    const failed = failure(db.transaction(hang));
    await new Promise((resolve) => setImmediate(resolve));
    await db.disconnect({ drainMs: 0 });
    expect(await failed).toMatchObject({ code: "CLOSED", effect: "none" });
    expect(store.log).toEqual(["begin", "rollback"]);
  });

  test("that had already been cancelled does not begin", async () => {
    const { db, store } = await open();
    await failure(db.transaction(async () => {}, { signal: AbortSignal.abort() }));
    expect(store.log).toEqual([]);
  });

  test("and is cancelled at its last moment does not commit", async () => {
    const { db, store } = await open();
    const controller = new AbortController();
    const failed = failure(db.transaction(async () => controller.abort(), { signal: controller.signal }));
    expect(await failed).toMatchObject({ code: "CANCELLED", effect: "none" });
    expect(store.log).toEqual(["begin", "rollback"]);
  });

  test("cannot write through its tx any more, nor make an unhandled rejection when it fails later", async () => {
    const { db, store } = await open();
    const late = Promise.withResolvers<unknown>();
    const gate = Promise.withResolvers<void>();
    await failure(
      db.transaction(
        async (tx) => {
          await gate.promise;
          await tx.create("notes", {}).catch(late.resolve);
          throw new Error("late");
        },
        { timeoutMs: 5 },
      ),
    );
    gate.resolve();
    expect(await late.promise).toMatchObject({ code: "TRANSACTION_ROLLED_BACK", effect: "none" });
    expect(store.log).toEqual(["begin", "rollback"]);
  });
});

describe("the tx", () => {
  test("is refused after the end, however the transaction ended", async () => {
    const { db, store } = await open();
    let kept: Statements | undefined;
    await db.transaction(async (tx) => {
      kept = tx;
    });
    expect(await failure(kept?.read("notes:1") ?? hang())).toMatchObject({ code: "TRANSACTION_ROLLED_BACK" });
    await rejection(
      db.transaction(async (tx) => {
        kept = tx;
        throw new Error("mine");
      }),
    );
    expect(await failure(kept?.create("notes", {}) ?? hang())).toMatchObject({ code: "TRANSACTION_ROLLED_BACK" });
    expect(store.rows.size).toBe(0);
  });

  test("checks input as the service does", async () => {
    const { db } = await open();
    await db.transaction(async (tx) => {
      expect(await failure(tx.read("notes"))).toMatchObject({ code: "INVALID_RECORD_ID" });
      expect(await failure(tx.read("notes:1", { timeout: 1 } as never))).toMatchObject({ code: "VALIDATION_FAILED" });
    });
  });

  test("takes limits for one statement, inside the call's", async () => {
    const { db, store } = await open();
    const signal = AbortSignal.abort("gone");
    await db.transaction(async (tx) => {
      expect(await failure(tx.read("notes:1", { signal }))).toMatchObject({ code: "CANCELLED", cause: "gone" });
      await tx.read("notes:1", { timeoutMs: 1_000, signal: new AbortController().signal });
    });
    // The statement whose signal had fired never came to the driver.
    expect(store.log).toEqual(["begin", "read", "commit"]);
  });

  test("does not commit while statements that nobody awaited still run", async () => {
    const store = new MemoryStore();
    const parts = store.parts();
    const gate = Promise.withResolvers<void>();
    const db = await connected({
      ...parts,
      begin: async (options, context) => {
        const handle = await parts.begin?.(options, context);
        if (handle === undefined) throw new Error("no transactions");
        const read = (): Promise<undefined> => gate.promise.then(() => undefined);
        return { ...handle, statements: { ...handle.statements, read } };
      },
    });
    const floating: Promise<unknown>[] = [];
    const error = await failure(
      db.transaction(async (tx) => {
        await tx.create("notes", {});
        floating.push(tx.read("notes:1"), tx.read("notes:2"));
      }),
    );
    expect(error).toMatchObject({ code: "TRANSACTION_ROLLED_BACK", effect: "none" });
    expect(error.message).toContain("2 of its statements");
    gate.resolve();
    await Promise.all(floating);
    expect(store.log).toEqual(["begin", "create", "rollback"]);
  });

  test("runs statements side by side when they are awaited", async () => {
    const { db, store } = await open();
    await db.transaction((tx) => Promise.all([tx.create("notes", {}), tx.create("notes", {})]));
    expect(store.rows.size).toBe(2);
  });
});

describe("a call on the service from inside the work", () => {
  test.each<[string, (db: DatabaseService) => Promise<unknown>]>([
    ["a write", (db) => db.create("notes", {})],
    ["a query that may write", (db) => db.query("X")],
    ["a transaction", (db) => db.transaction(async () => {})],
    ["a write of a tenant", (db) => db.withScope({ namespace: "n", database: "d" }).create("notes", {})],
  ])("that is %s would wait for its own transaction, and is refused at once", async (_name, call) => {
    const { db, store } = await open();
    await db.transaction(async () => {
      await Promise.resolve();
      expect(await failure(call(db))).toMatchObject({ code: "UNSUPPORTED", effect: "none" });
    });
    expect(store.log).toEqual(["begin", "commit"]);
  });

  test("that reads is let through", async () => {
    const { db } = await open();
    await db.transaction(async () => {
      expect(await db.read("notes:1")).toBeUndefined();
      expect(await db.count("notes")).toBe(0);
      await db.query("X", {}, { access: "read" });
      await db.version();
    });
  });

  test("that is another service's is let through, and comes back to ours only to be refused", async () => {
    const [ours, other] = [await open(), await open()];
    await ours.db.transaction(async () => {
      await other.db.create("notes", {});
      await other.db.transaction(async (tx) => {
        await tx.create("notes", {});
        expect(await failure(ours.db.create("notes", {}))).toMatchObject({ code: "UNSUPPORTED" });
        expect(await failure(ours.db.transaction(async () => {}))).toMatchObject({ code: "UNSUPPORTED" });
      });
      expect(await failure(ours.db.create("notes", {}))).toMatchObject({ code: "UNSUPPORTED" });
    });
    expect(other.store.rows.size).toBe(2);
    await ours.db.create("notes", {});
  });

  test("that begins there but runs after the end is let through", async () => {
    const { db, store } = await open();
    const ended = Promise.withResolvers<void>();
    let later: Promise<unknown> | undefined;
    await db.transaction(async () => {
      later = ended.promise.then(() => db.create("notes", {}));
    });
    ended.resolve();
    expect(await later).toMatchObject({ status: "committed" });
    expect(store.log).toEqual(["begin", "commit", "create"]);
  });

  test("from other work at the same time is not taken for one from inside", async () => {
    const { db } = await open();
    const gate = Promise.withResolvers<void>();
    const inside = db.transaction(() => gate.promise);
    await db.create("notes", {});
    gate.resolve();
    await inside;
  });
});

test("a rollback that hangs keeps no caller waiting", async () => {
  const store = new MemoryStore();
  const parts = store.parts();
  const release = Promise.withResolvers<void>();
  const db = await connected({
    ...parts,
    begin: async (options, context) => {
      const handle = await parts.begin?.(options, context);
      if (handle === undefined) throw new Error("no transactions");
      return { ...handle, rollback: () => release.promise };
    },
  });
  const start = performance.now();
  const error = await failure(db.transaction(hang, { timeoutMs: 5 }));
  expect(error).toMatchObject({ code: "QUERY_TIMEOUT" });
  expect(performance.now() - start).toBeLessThan(1_000);
  release.resolve();
  await new Promise((resolve) => setImmediate(resolve));
});

test("an error of ours that the work throws itself comes back by identity", async () => {
  const { db } = await open();
  const mine = new DatabaseErrorOf("NOT_FOUND", "no such note", { id: "notes:1" });
  expect(await rejection(db.transaction(() => Promise.reject(mine)))).toBe(mine);
});
