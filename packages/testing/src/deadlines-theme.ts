import assert from "node:assert/strict";
import { isStored, rejects } from "./assertions.ts";
import type { Theme } from "./conformance-case.ts";
import { settled } from "./settling.ts";

export const deadlines: Theme = {
  name: "deadlines",
  cases: {
    "a deadline that passes tells QUERY_TIMEOUT and what became of the data": async ({ db, collection }) => {
      const text = "x".repeat(500_000);
      const id = (n: number): string => `${collection}:${n}`;
      const start = performance.now();
      const calls = Array.from({ length: 20 }, (_, n) =>
        settled(db.create(collection, { n, text }, { id: id(n), timeoutMs: 1 })),
      );
      const ends = await Promise.all(calls);
      const tookMs = performance.now() - start;
      assert.ok(
        tookMs < 5_000,
        `expected calls with a deadline of 1 ms to end soon, they took ${Math.round(tookMs)} ms`,
      );
      for (const [n, end] of ends.entries()) {
        if (end.status === "done") assert.equal(await db.exists(id(n)), true);
        else {
          assert.equal(end.error.code, "QUERY_TIMEOUT");
          assert.deepEqual({ ...end.error.facts }, { timeoutMs: 1 });
          if (end.error.effect === "none") assert.equal(await db.exists(id(n)), false);
        }
      }
    },

    "a read that times out tells no effect": async ({ db, collection }) => {
      for (let n = 0; n < 5; n += 1) await db.create(collection, { text: "x".repeat(200_000) });
      const ends = await Promise.all(
        Array.from({ length: 10 }, () => settled(db.find(collection, {}, { timeoutMs: 1 }))),
      );
      for (const end of ends) {
        if (end.status === "done") assert.equal(end.value.items.length, 5);
        else assert.deepEqual([end.error.code, end.error.effect], ["QUERY_TIMEOUT", "none"]);
      }
    },

    "after aborts and timeouts the service works as before": async ({ db, collection }) => {
      const storm = Array.from({ length: 60 }, (_, n) => {
        const controller = new AbortController();
        const call = settled<unknown>(
          n % 2 === 0
            ? db.create(collection, { n, storm: true }, { signal: controller.signal })
            : db.find(collection, {}, { timeoutMs: 1 }),
        );
        if (n % 3 === 0) controller.abort();
        else setImmediate(() => controller.abort());
        return call;
      });
      await Promise.all(storm);
      const { id } = await db.create(collection, { n: 1 });
      await db.update(id, { n: 1 }, { mode: "increment" });
      await isStored(db, id, { n: 2 });
      assert.equal((await db.healthCheck()).status, "healthy");
    },

    "wrong options of a call are VALIDATION_FAILED and run nothing": async ({ db, collection }) => {
      const wrong: readonly object[] = [
        { timeoutMs: 0 },
        { timeoutMs: -1 },
        { timeoutMs: Number.NaN },
        { timeoutMs: "1" },
        { timeoutMs: 2 ** 31 },
        { timeout: 1 },
        { signal: {} },
        { operationId: "" },
        { operationId: "a b" },
        { operationId: "x".repeat(129) },
        { returning: 1 },
      ];
      for (const options of wrong) await rejects(db.create(collection, {}, options), "VALIDATION_FAILED");
      assert.equal(await db.count(collection), 0);
    },
  },
};
