import assert from "node:assert/strict";
import { DatabaseErrorOf, type Execute, type OperationOf, planQuery, runCall, type StatementKind } from "@db/core";
import { isStored, rejects } from "./assertions.ts";
import type { Theme } from "./conformance-case.ts";
import { abortedAtEveryPoint, settled } from "./settling.ts";

export const aborts: Theme = {
  name: "aborts",
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

    "an aborted call leaves the calls beside it alone": async ({ db, collection }) => {
      const controller = new AbortController();
      const doomed = settled(db.create(collection, { doomed: true }, { signal: controller.signal }));
      const others = Promise.all(Array.from({ length: 10 }, (_, n) => db.create(collection, { n })));
      controller.abort();
      const written = await others;
      await doomed;
      for (const [n, { id }] of written.entries()) await isStored(db, id, { n });
    },
  },
};
