import { channel } from "node:diagnostics_channel";
import { describe, expect, test } from "vitest";
import {
  CHANNELS,
  createDatabase,
  DatabaseErrorOf,
  type DatabaseService,
  type DriverParts,
  defineDriver,
  type Statements,
} from "../src/index.ts";
import { checkLeaksAfterEach } from "./support/leaks.ts";
import { MemoryStore } from "./support/memory.ts";
import { connected, failure, hang, rejection } from "./support/service.ts";

checkLeaksAfterEach();

const conflict = (effect: "none" | "unknown" = "none") =>
  new DatabaseErrorOf("CONFLICT", "two writes met", {}, { effect });

async function open(change: (parts: DriverParts, store: MemoryStore) => Partial<DriverParts> = () => ({})) {
  const store = new MemoryStore();
  const parts = store.parts();
  return { store, db: await connected({ ...parts, ...change(parts, store) }) };
}

/** The store's transactions, with a commit or rollback of the test's own. */
const ending = (own: { commit?: () => Promise<void>; rollback?: () => Promise<void> }) => (parts: DriverParts) => ({
  begin: async (...given: Parameters<NonNullable<DriverParts["begin"]>>) => {
    const handle = await parts.begin?.(...given);
    if (handle === undefined) throw new Error("no transactions");
    return {
      statements: handle.statements,
      commit: async (context: Parameters<typeof handle.commit>[0]) => {
        await own.commit?.();
        await handle.commit(context);
      },
      rollback: async (context: Parameters<typeof handle.rollback>[0]) => {
        await handle.rollback(context);
        await own.rollback?.();
      },
    };
  },
});

describe("a transaction", () => {
  test("commits when its work resolves, and gives back what it resolved to", async () => {
    const { db, store } = await open();
    const count = await db.transaction(async (tx) => {
      await tx.create("notes", { a: 1 }, { id: "notes:1" });
      await tx.update("notes:1", { b: 2 });
      expect(await tx.exists("notes:1")).toBe(true);
      expect(await tx.query("X", { a: 1 })).toEqual([{ text: "X", params: { a: 1 } }]);
      return tx.count("notes");
    });
    expect(count).toBe(1);
    expect(store.rows.get("notes:1")).toEqual({ id: "notes:1", a: 1, b: 2 });
    expect(store.log).toEqual(["begin", "create", "update", "read", "query", "count", "commit"]);
  });

  test("may resolve to undefined", async () => {
    const { db } = await open();
    expect(await db.transaction(async () => {})).toBeUndefined();
  });

  test.each([[new Error("mine")], [undefined], [Symbol("mine")], [Number.NaN], [{ mine: true }]])(
    "rolls back when its work rejects with %o, which its caller gets by identity",
    async (mine) => {
      const { db, store } = await open();
      const thrown = await rejection(
        db.transaction(async (tx) => {
          await tx.create("notes", {}, { id: "notes:1" });
          throw mine;
        }),
      );
      expect(Object.is(thrown, mine)).toBe(true);
      expect(store.log).toEqual(["begin", "create", "rollback"]);
      expect(store.rows.size).toBe(0);
    },
  );

  test("rolls back when its work throws at once", async () => {
    const { db, store } = await open();
    const mine = new Error("mine");
    const work = (): never => {
      throw mine;
    };
    expect(await rejection(db.transaction(work))).toBe(mine);
    expect(store.log).toEqual(["begin", "rollback"]);
  });

  test("tells the failure of a statement as one without effect: it is undone with the rest", async () => {
    const { db, store } = await open((parts) => ({
      begin: async (options, context) => {
        const handle = await parts.begin?.(options, context);
        if (handle === undefined) throw new Error("no transactions");
        const lost = (): Promise<never> =>
          Promise.reject(new DatabaseErrorOf("CONNECTION_FAILED", "gone", {}, { effect: "unknown" }));
        return {
          ...handle,
          statements: { ...handle.statements, create: lost },
          commit: handle.commit,
          rollback: handle.rollback,
        };
      },
    }));
    expect(await failure(db.transaction((tx) => tx.create("notes", {})))).toMatchObject({
      code: "CONNECTION_FAILED",
      effect: "none",
    });
    expect(store.rows.size).toBe(0);
  });

  test("gives each statement an id of its own, and the driver the fact that it stands inside", async () => {
    const ids: string[] = [];
    const insides: boolean[] = [];
    const { db } = await open((parts) => ({
      begin: async (options, context) => {
        insides.push(context.inTransaction);
        const handle = await parts.begin?.(options, context);
        if (handle === undefined) throw new Error("no transactions");
        return handle;
      },
    }));
    await db.transaction(async (tx) => {
      for (let count = 0; count < 3; count += 1) ids.push((await tx.create("notes", {})).operationId);
      ids.push((await tx.create("notes", {}, { operationId: "mine" })).operationId);
    });
    expect(new Set(ids).size).toBe(4);
    expect(ids[3]).toBe("mine");
    expect(insides).toEqual([true]);
  });
});

describe("a commit or begin that fails", () => {
  test("is the caller's error, after a rollback, with the effect that the driver told", async () => {
    const refused = new DatabaseErrorOf("TRANSACTION_FAILED", "no", { phase: "commit" }, { effect: "unknown" });
    const { db, store } = await open(ending({ commit: () => Promise.reject(refused) }));
    expect(await rejection(db.transaction(async () => {}))).toBe(refused);
    expect(store.log).toEqual(["begin", "rollback"]);
  });

  test("with an error that is not ours becomes INTERNAL: unknown for a commit, none for a begin", async () => {
    const raw = new Error("raw");
    const one = await open(ending({ commit: () => Promise.reject(raw) }));
    expect(await failure(one.db.transaction(async () => {}))).toMatchObject({
      code: "INTERNAL",
      effect: "unknown",
      cause: raw,
    });
    const other = await open(() => ({ begin: () => Promise.reject(raw) }));
    expect(await failure(other.db.transaction(async () => {}))).toMatchObject({ effect: "none", cause: raw });
  });

  test("at its begin has changed nothing, whatever effect the driver tells", async () => {
    const { db } = await open(() => ({
      begin: (_, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason));
        }),
    }));
    const late = await failure(db.transaction(async () => {}, { timeoutMs: 20 }));
    expect(late).toMatchObject({ code: "QUERY_TIMEOUT", effect: "none" });
  });

  test("a layer's own error is INTERNAL too", async () => {
    const driver = defineDriver({ ...new MemoryStore().parts() });
    const db = createDatabase({ driver, layers: [() => () => Promise.reject(new Error("layer"))] });
    await db.connect();
    expect(await failure(db.transaction(async () => {}))).toMatchObject({ code: "INTERNAL", effect: "unknown" });
  });

  test("a rollback that fails is published, and does not mask the error that led to it", async () => {
    const published: unknown[] = [];
    const note = (event: unknown): void => void published.push(event);
    channel(CHANNELS.rollbackFailed).subscribe(note);
    const lost = new DatabaseErrorOf("CONNECTION_FAILED", "gone", {});
    const { db } = await open(ending({ rollback: () => Promise.reject(lost) }));
    const mine = new Error("mine");
    expect(await rejection(db.transaction(() => Promise.reject(mine)))).toBe(mine);
    channel(CHANNELS.rollbackFailed).unsubscribe(note);
    expect(published).toEqual([{ error: lost }]);
  });
});

describe("after a CONFLICT", () => {
  const flaky = (conflicts: number, effect: "none" | "unknown" = "none") => {
    let left = conflicts;
    return open(ending({ commit: () => (left-- > 0 ? Promise.reject(conflict(effect)) : Promise.resolve()) }));
  };
  const runs = async (db: DatabaseService, maxAttempts?: number): Promise<{ runs: number; error: unknown }> => {
    let count = 0;
    const work = async (tx: Statements): Promise<number> => {
      await tx.create("notes", {}, { id: "notes:1" });
      count += 1;
      return count;
    };
    const error = await db.transaction(work, maxAttempts === undefined ? {} : { maxAttempts }).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    return { runs: count, error };
  };

  test("the work does not run again unless that was asked for", async () => {
    const { db } = await flaky(1);
    expect(await runs(db)).toMatchObject({ runs: 1, error: { code: "CONFLICT" } });
  });

  test("it runs again, each time in a new transaction, until it commits", async () => {
    const { db, store } = await flaky(2);
    expect(await runs(db, 5)).toEqual({ runs: 3, error: undefined });
    expect(store.log.filter((entry) => entry === "begin")).toHaveLength(3);
    expect(store.log.filter((entry) => entry === "rollback")).toHaveLength(2);
    expect(store.rows.size).toBe(1);
  });

  test("it runs as often as was said and no more", async () => {
    const { db } = await flaky(9);
    expect(await runs(db, 3)).toMatchObject({ runs: 3, error: { code: "CONFLICT" } });
  });

  test("it never runs again when the commit may have happened", async () => {
    const { db } = await flaky(1, "unknown");
    expect(await runs(db, 5)).toMatchObject({ runs: 1, error: { code: "CONFLICT", effect: "unknown" } });
  });

  test("nothing but a CONFLICT makes it run again", async () => {
    const { db } = await open(
      ending({ commit: () => Promise.reject(new DatabaseErrorOf("CONNECTION_FAILED", "gone", {})) }),
    );
    expect(await runs(db, 5)).toMatchObject({ runs: 1, error: { code: "CONNECTION_FAILED" } });
  });

  test("it does not run again once the call is cancelled", async () => {
    const controller = new AbortController();
    const { db } = await open(
      ending({
        commit: () => {
          controller.abort("gone");
          return Promise.reject(conflict());
        },
      }),
    );
    let count = 0;
    const work = async (): Promise<void> => {
      count += 1;
    };
    await failure(db.transaction(work, { maxAttempts: 5, signal: controller.signal }));
    expect(count).toBe(1);
  });

  test("a cancellation while it backs off ends it", async () => {
    const controller = new AbortController();
    const { db } = await open(
      ending({
        commit: () => Promise.reject(conflict()),
        rollback: async () => void setImmediate(() => controller.abort("gone")),
      }),
    );
    const error = await failure(db.transaction(async () => {}, { maxAttempts: 100, signal: controller.signal }));
    expect(["CANCELLED", "CONFLICT"]).toContain(error.code);
    expect(error.effect).toBe("none");
  });
});

test("a transaction that begins only after its call has ended never runs its work", async () => {
  const begun = Promise.withResolvers<void>();
  const rolledBack = Promise.withResolvers<void>();
  const { db, store } = await open((parts) => ({
    begin: async (options, context) => {
      await begun.promise;
      const handle = await parts.begin?.(options, context);
      if (handle === undefined) throw new Error("no transactions");
      return { ...handle, rollback: async () => rolledBack.resolve() };
    },
  }));
  let ran = false;
  const work = async (): Promise<void> => {
    ran = true;
  };
  expect(await failure(db.transaction(work, { timeoutMs: 5 }))).toMatchObject({
    code: "QUERY_TIMEOUT",
    effect: "none",
  });
  begun.resolve();
  await rolledBack.promise;
  expect(ran).toBe(false);
  expect(store.log).toEqual(["begin"]);
});

test("a begin that hangs and does not listen ends with its call", async () => {
  const { db } = await open(() => ({ begin: hang }));
  expect(await failure(db.transaction(async () => {}, { timeoutMs: 5 }))).toMatchObject({ code: "QUERY_TIMEOUT" });
});
