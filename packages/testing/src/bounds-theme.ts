import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import {
  type CallContext,
  DatabaseErrorOf,
  type Execute,
  type Layer,
  type OperationOf,
  planQuery,
  runCall,
  type StatementKind,
} from "@db/core";
import { isStored, rejects } from "./assertions.ts";
import type { Theme } from "./conformance-case.ts";
import { abortedAtEveryPoint, settled } from "./settling.ts";

export const bounds: Theme = {
  name: "timeouts and aborts",
  cases: {
    "a call whose signal has fired already runs nothing": async (context) => {
      const { db, collection } = context;
      const id = `${collection}:one`;
      await db.create(collection, { n: 1 }, { id });
      const reason = new Error("too late");
      const signal = AbortSignal.abort(reason);
      const calls = [
        db.create(collection, {}, { id: `${collection}:two`, signal }),
        db.read(id, { signal }),
        db.exists(id, { signal }),
        db.update(id, { n: 2 }, { signal }),
        db.delete(id, { signal }),
        db.count(collection, undefined, { signal }),
        db.find(collection, {}, { signal }),
        db.query("nothing", {}, { signal }),
        db.transaction(async () => assert.fail("work must not run"), { signal }),
        db.version({ signal }),
      ];
      const errors = await Promise.all(calls.map((call) => rejects(call, "CANCELLED")));
      for (const error of errors) assert.equal(error.cause, reason);
      await isStored(db, id, { n: 1 });
      assert.equal(await db.count(collection), 1);
    },

    "a driver that is handed a signal which has fired starts nothing": async (context) => {
      const { db, collection, driver } = context;
      const id = `${collection}:one`;
      await db.create(collection, { n: 1 }, { id });
      const fired = AbortSignal.abort(new DatabaseErrorOf("CANCELLED", "fired before", {}));
      const write = { collection, id, returning: false };
      const operations: readonly OperationOf<StatementKind>[] = [
        { kind: "create", ...write, id: `${collection}:two`, data: {} },
        { kind: "update", ...write, mode: "merge", data: { n: 2 }, remove: [], expect: undefined },
        { kind: "update", ...write, mode: "increment", data: { n: 1 }, remove: [], expect: undefined },
        { kind: "delete", ...write, expect: undefined },
        { kind: "read", collection, id },
        { kind: "count", collection, where: undefined },
        { kind: "find", collection, query: planQuery(collection) },
      ];
      for (const operation of operations) {
        const run = driver.statements[operation.kind] as Execute<StatementKind>;
        const call = runCall({ timeoutMs: 5_000 }, (context) => run(operation, context.with({ signal: fired })));
        if (operation.kind === "create" || operation.kind === "update" || operation.kind === "delete") {
          await rejects(call, "CANCELLED", { what: operation.kind });
        } else await settled(call);
      }
      await isStored(db, id, { n: 1 });
      assert.equal(await db.count(collection), 1);
    },

    "a create aborted at any point is stored or not, as it says": async ({ db, collection }) => {
      const id = (point: number): string => `${collection}:${point}`;
      const ends = await abortedAtEveryPoint((signal, point) =>
        db.create(collection, { point }, { id: id(point), signal }),
      );
      for (const [point, end] of ends.entries()) {
        if (end.status === "done") await isStored(db, id(point), { point });
        else if (end.error.effect === "none") await isStored(db, id(point), undefined);
      }
    },

    "an update aborted at any point is applied once or not, as it says": async ({ db, collection }) => {
      const { id } = await db.create(collection, { n: 0 });
      const ends = await abortedAtEveryPoint((signal) => db.update(id, { n: 1 }, { mode: "increment", signal }));
      const done = ends.filter((end) => end.status === "done").length;
      const unknown = ends.filter((end) => end.status === "failed" && end.error.effect === "unknown").length;
      const n = Number((await db.read(id))?.n);
      assert.ok(n >= done && n <= done + unknown, `expected ${done}..${done + unknown} increments, found ${n}`);
    },

    "a delete aborted at any point has happened or not, as it says": async ({ db, collection }) => {
      const id = (point: number): string => `${collection}:${point}`;
      const ends = await abortedAtEveryPoint(async (signal, point) => {
        await db.create(collection, { point }, { id: id(point) });
        await db.delete(id(point), { signal });
      });
      for (const [point, end] of ends.entries()) {
        if (end.status === "done") await isStored(db, id(point), undefined);
        else if (end.error.effect === "none") await isStored(db, id(point), { point });
      }
    },

    "a read aborted at any point answers rightly or tells no effect": async ({ db, collection }) => {
      const { id } = await db.create(collection, { n: 7 });
      const reads = await abortedAtEveryPoint((signal) => db.read(id, { signal }));
      const finds = await abortedAtEveryPoint((signal) => db.find(collection, {}, { signal }));
      for (const end of reads)
        assert.equal(end.status === "done" ? end.value?.n : end.error.effect, end.status === "done" ? 7 : "none");
      for (const end of finds) {
        if (end.status === "done") assert.equal(end.value.items.length, 1);
        else assert.equal(end.error.effect, "none");
      }
    },

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

    "an aborted call leaves the calls beside it alone": async ({ db, collection }) => {
      const controller = new AbortController();
      const doomed = settled(db.create(collection, { doomed: true }, { signal: controller.signal }));
      const others = Promise.all(Array.from({ length: 10 }, (_, n) => db.create(collection, { n })));
      controller.abort();
      const written = await others;
      await doomed;
      for (const [n, { id }] of written.entries()) await isStored(db, id, { n });
    },

    "no call leaves a listener on a signal that lives on": async ({ db, collection }) => {
      const { signal } = new AbortController();
      for (let n = 0; n < 20; n += 1) {
        const { id } = await db.create(collection, { n }, { signal });
        await db.update(id, { n: 1 }, { mode: "increment", signal });
        await db.read(id, { signal });
        await db.find(collection, {}, { signal });
        await db.count(collection, undefined, { signal });
        await settled(db.create(collection, {}, { id, signal }));
        await settled(db.query("nothing", {}, { signal }));
        await settled(db.transaction(async (tx) => tx.read(id, { signal }), { signal }));
        await db.delete(id, { signal });
      }
      assert.equal(getEventListeners(signal, "abort").length, 0);
    },

    "the driver leaves no listener on the signal it was handed": async (context) => {
      const contexts: CallContext[] = [];
      const { collection } = context;
      const db = context.facade({ layers: [handingOn(contexts)] });
      const { id } = await db.create(collection, { n: 1 });
      await db.update(id, { n: 2 });
      await db.read(id);
      await db.find(collection);
      await db.count(collection);
      await settled(db.create(collection, {}, { id }));
      await settled(
        db.transaction(async (tx) => {
          await tx.update(id, { n: 3 });
          await tx.read(id);
        }),
      );
      await db.delete(id);
      const left = contexts.map(({ signal }) => getEventListeners(signal, "abort").length);
      assert.deepEqual(
        left,
        contexts.map(() => 0),
      );
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

/** Makes every call's signal, as a layer that listens does, and keeps it to be looked at. */
function handingOn(contexts: CallContext[]): Layer {
  return (next) => (operation, context) => {
    assert.equal(context.signal.aborted, false);
    contexts.push(context);
    return next(operation, context);
  };
}
