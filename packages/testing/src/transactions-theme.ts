import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { DatabaseErrorOf, eq, type Row, runCall, type Statements } from "@db/core";
import { idsOf, isStored, rejection, rejects, retryingConflicts, show } from "./assertions.ts";
import type { Theme } from "./conformance-case.ts";
import { abortedAtEveryPoint, settled } from "./settling.ts";

export const transactions: Theme = {
  name: "transactions",
  needs: "transactions",
  cases: {
    "a transaction whose work resolves is stored whole, with the work's result": async ({ db, collection }) => {
      const kept = await db.create(collection, { n: 1 });
      const doomed = await db.create(collection, { n: 2 });
      const made = await db.transaction(async (tx) => {
        await tx.update(kept.id, { n: 10 }, { mode: "increment" });
        await tx.delete(doomed.id);
        return (await tx.create(collection, { n: 3 })).id;
      });
      await isStored(db, kept.id, { n: 11 });
      await isStored(db, doomed.id, undefined);
      await isStored(db, made, { n: 3 });
    },

    "a transaction whose work rejects leaves nothing, and its error comes back by identity": async ({
      db,
      collection,
    }) => {
      const { id } = await db.create(collection, { n: 1 });
      const own = new TypeError("the caller's own");
      const failing = db.transaction(async (tx) => {
        await tx.update(id, { n: 2 });
        await tx.create(collection, { n: 3 });
        throw own;
      });
      assert.equal(await failing.catch((error: unknown) => error), own);
      await isStored(db, id, { n: 1 });
      assert.equal(await db.count(collection), 1);
    },

    "work that throws what is no error gets it back": async ({ db }) => {
      const thrown = await db.transaction(() => Promise.reject("text")).catch((error: unknown) => error);
      assert.equal(thrown, "text");
    },

    "a transaction sees its own writes in every kind of read": async ({ db, collection }) => {
      const old = await db.create(collection, { n: 1, old: true });
      await db.transaction(async (tx) => {
        const { id } = await tx.create(collection, { n: 2 });
        await tx.update(old.id, { n: 5 });
        assert.equal((await tx.read(id))?.n, 2);
        assert.equal(await tx.exists(id), true);
        assert.equal(await tx.count(collection), 2);
        const { items } = await tx.find(collection, { order: [["n", "desc"]] });
        assert.deepEqual(
          items.map((row) => row.n),
          [5, 2],
        );
        await tx.delete(id);
        assert.equal(await tx.read(id), undefined);
        assert.equal(await tx.count(collection), 1);
      });
      await isStored(db, old.id, { n: 5, old: true });
    },

    "what is not committed is not seen outside": async ({ db, collection }) => {
      const old = await db.create(collection, { n: 1 });
      const id = `${collection}:fresh`;
      const own = new Error("roll back");
      const failing = db.transaction(async (tx) => {
        await tx.create(collection, { n: 2 }, { id });
        await tx.update(old.id, { n: 9 });
        assert.equal(await db.read(id), undefined);
        assert.equal((await db.read(old.id))?.n, 1);
        assert.equal(await db.count(collection), 1);
        throw own;
      });
      assert.equal(await failing.catch((error: unknown) => error), own);
      await isStored(db, id, undefined);
    },

    "statements answer and refuse as they do outside": async ({ db, collection }) => {
      const { id } = await db.create(collection, { n: 1, text: "a" });
      await db.transaction(async (tx) => {
        const missing = `${collection}:missing`;
        const written = await tx.update(id, { n: 2 }, { operationId: "own-op", returning: true });
        assert.deepEqual([written.operationId, written.status, written.row?.n], ["own-op", "committed", 2]);
        await rejects(tx.read("nonsense"), "INVALID_RECORD_ID");
        await rejects(tx.create(collection, { n: Number.NaN }), "VALIDATION_FAILED");
        await rejects(tx.find(collection, { limit: 0 }), "INVALID_QUERY");
        await rejects(tx.update(missing, { n: 1 }), "NOT_FOUND", { facts: { id: missing } });
      });
      await isStored(db, id, { n: 2, text: "a" });
    },

    "a refused statement that work lets pass rolls all back": async ({ db, collection }) => {
      const { id } = await db.create(collection, { n: 1 });
      const cases: readonly [string, (tx: Statements) => Promise<unknown>][] = [
        ["ALREADY_EXISTS", (tx) => tx.create(collection, {}, { id })],
        ["NOT_FOUND", (tx) => tx.delete(`${collection}:missing`)],
        ["PRECONDITION_FAILED", (tx) => tx.update(id, { n: 2 }, { expect: { n: 7 } })],
        ["FIELD_VIOLATION", (tx) => tx.update(id, { text: 1 }, { mode: "increment" })],
      ];
      for (const [code, refused] of cases) {
        const failing = db.transaction(async (tx) => {
          await tx.create(collection, { beside: code });
          await tx.update(id, { text: "a" });
          await refused(tx);
        });
        const error = await rejection(failing, code);
        assert.deepEqual([error.code, error.effect], [code, "none"]);
        await isStored(db, id, { n: 1 });
      }
      assert.equal(await db.count(collection), 1);
    },

    "after a refused statement that work catches it is all or nothing": async ({ db, collection }) => {
      const { id } = await db.create(collection, { n: 1 });
      const end = await settled(
        db.transaction(async (tx) => {
          await tx.update(id, { n: 2 });
          await rejects(tx.create(collection, {}, { id }), "ALREADY_EXISTS");
          await settled(tx.create(collection, { after: true }));
        }),
      );
      assert.equal(await db.count(collection), end.status === "done" ? 2 : 1);
      await isStored(db, id, { n: end.status === "done" ? 2 : 1 });
    },

    "a statement after the end is TRANSACTION_ROLLED_BACK": async ({ db, collection }) => {
      let kept: Statements | undefined;
      await db.transaction(async (tx) => {
        kept = tx;
      });
      if (kept === undefined) assert.fail("work did not run");
      await rejects(kept.create(collection, {}), "TRANSACTION_ROLLED_BACK");
      await rejects(kept.find(collection), "TRANSACTION_ROLLED_BACK");
      const own = new Error("roll back");
      await db
        .transaction(async (tx) => {
          kept = tx;
          throw own;
        })
        .catch((error: unknown) => assert.equal(error, own));
      await rejects(kept.create(collection, {}), "TRANSACTION_ROLLED_BACK");
      assert.equal(await db.count(collection), 0);
    },

    "a statement that work does not await is in the transaction or rolls it back": async ({ db, collection }) => {
      const floating: Promise<unknown>[] = [];
      const end = await settled(
        db.transaction(async (tx) => {
          await tx.create(collection, { n: 1 });
          floating.push(settled(tx.create(collection, { n: 2 })));
        }),
      );
      await Promise.all(floating);
      if (end.status === "failed") assert.equal(end.error.code, "TRANSACTION_ROLLED_BACK");
      assert.equal(await db.count(collection), end.status === "done" ? 2 : 0);
    },

    "statements at once in one transaction are all carried out": async ({ db, collection }) => {
      await db.transaction(async (tx) => {
        await Promise.all(Array.from({ length: 20 }, (_, n) => tx.create(collection, { n })));
        assert.equal(await tx.count(collection), 20);
      });
      assert.equal(await db.count(collection), 20);
    },

    "a transaction inside a transaction is UNSUPPORTED at once": async ({ db, collection }) => {
      await db.transaction(async (tx) => {
        await tx.create(collection, { n: 1 });
        await rejects(
          db.transaction(async () => assert.fail("it must not run")),
          "UNSUPPORTED",
        );
      });
      assert.equal(await db.count(collection), 1);
    },

    "a write on the service inside work is UNSUPPORTED at once, a read is answered": async ({ db, collection }) => {
      const { id } = await db.create(collection, { n: 1 });
      await db.transaction(async () => {
        const start = performance.now();
        await rejects(db.create(collection, {}), "UNSUPPORTED");
        await rejects(db.update(id, { n: 2 }), "UNSUPPORTED");
        await rejects(db.delete(id), "UNSUPPORTED");
        assert.ok(performance.now() - start < 1_000, "expected the refusal at once");
        assert.equal((await db.read(id))?.n, 1);
        assert.equal(await db.count(collection), 1);
      });
      await isStored(db, id, { n: 1 });
    },

    "two transactions on one record at once lose no increment": async ({ db, collection }) => {
      const { id } = await db.create(collection, { n: 0 });
      const addOne = (): Promise<void> =>
        retryingConflicts(() =>
          db.transaction(async (tx) => {
            const n = Number((await tx.read(id))?.n);
            await tx.update(id, { n: n + 1 });
          }),
        );
      await Promise.all(Array.from({ length: 20 }, addOne));
      await isStored(db, id, { n: 20 });
    },

    "of two transactions that read before either writes one wins or they go in turn": async ({ db, collection }) => {
      const { id } = await db.create(collection, { n: 0 });
      const attempts: number[] = [];
      const addOne = async (): Promise<void> => {
        let attempt = 0;
        await db.transaction(
          async (tx) => {
            attempt += 1;
            attempts.push(attempt);
            const n = Number((await tx.read(id))?.n);
            // Long enough for both to have read, also where the second has to wait for the first.
            await sleep(20);
            await tx.update(id, { n: n + 1 });
          },
          { maxAttempts: 50 },
        );
      };
      await Promise.all([addOne(), addOne()]);
      await isStored(db, id, { n: 2 });
    },

    "the loser of a conflict is told CONFLICT without effect and may try again": async ({ db, collection }) => {
      const { id } = await db.create(collection, { n: 0 });
      const ends = await Promise.all(
        Array.from({ length: 10 }, (_, by) =>
          settled(
            db.transaction(async (tx) => {
              const n = Number((await tx.read(id))?.n);
              await sleep(5);
              await tx.update(id, { n: n + 1, [`by${by}`]: true });
            }),
          ),
        ),
      );
      const won = ends.filter((end) => end.status === "done").length;
      for (const end of ends) {
        if (end.status === "done") continue;
        assert.deepEqual([end.error.code, end.error.effect, end.error.retryable], ["CONFLICT", "none", true]);
      }
      const row = (await db.read(id)) ?? ({} as Row);
      assert.ok(won >= 1, "expected one transaction to win");
      assert.equal(row.n, won, `expected the ${won} acknowledged increments, found ${show(row)}`);
      assert.equal(Object.keys(row).filter((name) => name.startsWith("by")).length, won);
    },

    "transactions on different records do not disturb each other": async ({ db, collection }) => {
      await Promise.all(
        Array.from({ length: 20 }, (_, n) =>
          retryingConflicts(() =>
            db.transaction(async (tx) => {
              const { id } = await tx.create(collection, { n, step: 1 });
              await tx.update(id, { step: 2 });
            }),
          ),
        ),
      );
      assert.equal(await db.count(collection, eq("step", 2)), 20);
    },

    "a transaction moves an amount or does not, whoever looks": async ({ db, collection }) => {
      const [a, b] = [`${collection}:a`, `${collection}:b`];
      await db.create(collection, { amount: 100 }, { id: a });
      await db.create(collection, { amount: 0 }, { id: b });
      let moving = true;
      const wrong: string[] = [];
      const watch = async (): Promise<void> => {
        while (moving) {
          const { items } = await db.find(collection);
          const sum = items.reduce((total, row) => total + Number(row.amount), 0);
          if (sum !== 100) wrong.push(show(items));
        }
      };
      const watching = watch();
      for (let n = 0; n < 20; n += 1) {
        await db.transaction(async (tx) => {
          await tx.update(a, { amount: -5 }, { mode: "increment" });
          await tx.update(b, { amount: 5 }, { mode: "increment" });
        });
      }
      moving = false;
      await watching;
      assert.deepEqual(wrong, []);
      await isStored(db, a, { amount: 0 });
      await isStored(db, b, { amount: 100 });
    },

    "a deadline that passes during work rolls back": async ({ db, collection }) => {
      const { id } = await db.create(collection, { n: 1 });
      const { promise: never } = Promise.withResolvers<void>();
      const failing = db.transaction(
        async (tx) => {
          await tx.update(id, { n: 2 });
          await tx.create(collection, {});
          await never;
        },
        { timeoutMs: 200 },
      );
      await rejects(failing, "QUERY_TIMEOUT", { facts: { timeoutMs: 200 } });
      await isStored(db, id, { n: 1 });
      assert.equal(await db.count(collection), 1);
      await db.update(id, { n: 3 }, { timeoutMs: 5_000 });
      await isStored(db, id, { n: 3 });
    },

    "an abort during work rolls back, with its reason as cause": async ({ db, collection }) => {
      const { id } = await db.create(collection, { n: 1 });
      const controller = new AbortController();
      const reason = new Error("enough");
      const { promise: never } = Promise.withResolvers<void>();
      const failing = db.transaction(
        async (tx) => {
          await tx.update(id, { n: 2 });
          controller.abort(reason);
          await never;
        },
        { signal: controller.signal },
      );
      assert.equal((await rejects(failing, "CANCELLED")).cause, reason);
      await isStored(db, id, { n: 1 });
    },

    "a transaction aborted at any point is whole or nothing, as it says": async ({ db, collection }) => {
      const ids = (point: number): readonly [string, string] => [`${collection}:${point}a`, `${collection}:${point}b`];
      const ends = await abortedAtEveryPoint((signal, point) =>
        db.transaction(
          async (tx) => {
            for (const id of ids(point)) await tx.create(collection, { point }, { id });
          },
          { signal },
        ),
      );
      for (const [point, end] of ends.entries()) {
        const found = idsOf((await db.find(collection, { where: eq("point", point) })).items);
        const whole = found.length === 2;
        assert.ok(whole || found.length === 0, `point ${point}: half a transaction, ${show(found)}`);
        if (end.status === "done") assert.ok(whole, `point ${point}: acknowledged and not there`);
        else if (end.error.effect === "none") assert.ok(!whole, `point ${point}: told no effect and is there`);
      }
    },

    "a statement may have a shorter deadline than its transaction": async ({ db, collection }) => {
      const { id } = await db.create(collection, { n: 1 });
      const end = await settled(
        db.transaction(async (tx) => {
          await tx.update(id, { n: 2 });
          return settled(tx.find(collection, {}, { timeoutMs: 1 }));
        }),
      );
      if (end.status === "done" && end.value.status === "failed") assert.equal(end.value.error.code, "QUERY_TIMEOUT");
      await isStored(db, id, { n: end.status === "done" ? 2 : 1 });
    },

    "a driver that is handed a signal which has fired begins nothing": async ({ db, driver, collection }) => {
      const fired = AbortSignal.abort(new DatabaseErrorOf("CANCELLED", "fired before", {}));
      const begin = runCall({ timeoutMs: 5_000 }, (context) => driver.begin({}, context.with({ signal: fired })));
      await rejects(begin, "CANCELLED");
      await db.create(collection, {});
      assert.equal(await db.count(collection), 1);
    },

    "a commit whose signal has fired already stores nothing": async ({ db, driver, collection }) => {
      const id = `${collection}:one`;
      await runCall({ timeoutMs: 5_000 }, async (context) => {
        const handle = await driver.begin({}, context.with({ inTransaction: true }));
        const data = { n: 1 };
        await handle.statements.create({ kind: "create", collection, id, data, returning: false }, context);
        const fired = AbortSignal.abort(new DatabaseErrorOf("CANCELLED", "fired before", {}));
        await rejects(handle.commit(context.with({ signal: fired })), "CANCELLED");
        await handle.rollback(context);
      });
      await isStored(db, id, undefined);
    },

    "wrong options of a transaction are VALIDATION_FAILED and run nothing": async ({ db }) => {
      for (const options of [{ maxAttempts: 0 }, { maxAttempts: 101 }, { maxAttempts: 1.5 }, { retries: 1 }]) {
        const call = db.transaction(async () => assert.fail("it must not run"), options as object);
        await rejects(call, "VALIDATION_FAILED");
      }
    },
  },
};

export const withoutTransactions: Theme = {
  name: "no transactions",
  lacks: "transactions",
  cases: {
    "a transaction is UNSUPPORTED and its work never runs": async ({ db, collection }) => {
      const work = async (tx: Statements): Promise<never> => {
        await tx.create(collection, {});
        return assert.fail("work must not run");
      };
      await rejects(db.transaction(work), "UNSUPPORTED");
      assert.equal(await db.count(collection), 0);
    },
  },
};
