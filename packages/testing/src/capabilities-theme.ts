import assert from "node:assert/strict";
import type { Layer } from "@db/core";
import { isStored, rejects, sameValue, show } from "./assertions.ts";
import type { CaseContext, Theme } from "./conformance-case.ts";
import { hostileText } from "./hostile-text.ts";
import { asksForLedger } from "./ledger-theme.ts";

export const capabilities: Theme = {
  name: "capabilities",
  cases: {
    "the driver says of itself what the suite was told": async ({ driver, options }) => {
      assert.deepEqual({ ...driver.capabilities }, { ...options.capabilities });
    },
  },
};

export const queries: Theme = {
  name: "query language",
  needs: "queryLanguage",
  cases: {
    "text that is no query is INVALID_QUERY": async ({ db }) => {
      for (const access of ["read", "write"] as const) {
        await rejects(db.query("this )( is no ;; query", {}, { access }), "INVALID_QUERY", { what: access });
      }
    },
    "empty text and wrong parameters are VALIDATION_FAILED": async ({ db }) => {
      await rejects(db.query(" "), "VALIDATION_FAILED");
      await rejects(db.query("x", { "a b": 1 }), "VALIDATION_FAILED");
      await rejects(db.query("x", { a: Number.NaN }), "VALIDATION_FAILED");
      await rejects(db.query("x", {}, { access: "both" as never }), "VALIDATION_FAILED");
    },
    "parameters arrive as the values they are": async ({ db, options }) => {
      if (options.echo === undefined) return;
      const values = [
        null,
        true,
        1,
        -1.5,
        2n ** 63n - 1n,
        "text",
        new Date(0),
        Uint8Array.of(1),
        [1, "a"],
        { a: { b: 1 } },
      ];
      for (const value of [...values, ...hostileText]) {
        for (const access of ["read", "write"] as const) {
          const results: readonly unknown[] = await db.query(options.echo, { value }, { access });
          assert.equal(results.length, 1, `the results for ${show(value)}`);
          sameValue(results[0], value, "the echoed value");
        }
      }
    },
  },
};

export const withoutQueries: Theme = {
  name: "no query language",
  lacks: "queryLanguage",
  cases: {
    "query is UNSUPPORTED": async ({ db }) => {
      await rejects(db.query("SELECT 1", {}, { access: "read" }), "UNSUPPORTED");
      await rejects(db.query("SELECT 1"), "UNSUPPORTED");
    },
  },
};

export const scopes: Theme = {
  name: "scopes",
  needs: "scopes",
  cases: {
    "one id names another record in each scope": async (context) => {
      const { db, collection } = context;
      const [one, two] = scoped(context);
      const id = `${collection}:shared`;
      await one.create(collection, { in: "one" }, { id });
      await isStored(two, id, undefined);
      await isStored(db, id, undefined);
      await two.create(collection, { in: "two" }, { id });
      await two.update(id, { more: true });
      await isStored(one, id, { in: "one" });
      await isStored(two, id, { in: "two", more: true });
      await one.delete(id);
      await isStored(two, id, { in: "two", more: true });
    },
    "find and count stay within their scope": async (context) => {
      const { db, collection } = context;
      const [one, two] = scoped(context);
      for (const n of [1, 2, 3]) await one.create(collection, { n });
      await two.create(collection, { n: 4 });
      assert.deepEqual(
        [await one.count(collection), await two.count(collection), await db.count(collection)],
        [3, 1, 0],
      );
      assert.deepEqual(
        (await two.find(collection)).items.map((row) => row.n),
        [4],
      );
    },
    "calls in several scopes at once do not mix": async (context) => {
      const { collection } = context;
      const both = scoped(context);
      await Promise.all(
        Array.from({ length: 60 }, async (_, n) => {
          const service = both[n % 2 === 0 ? 0 : 1];
          const { id } = await service.create(collection, { n });
          assert.equal((await service.read(id))?.n, n);
        }),
      );
      for (const [index, service] of both.entries()) {
        const { items } = await service.find(collection, { limit: 100 });
        assert.equal(items.length, 30);
        for (const row of items) assert.equal(Number(row.n) % 2, index);
      }
    },
    "a transaction stays within its scope": async (context) => {
      if (!context.options.capabilities.transactions) return;
      const { db, collection } = context;
      const [one, two] = scoped(context);
      const made = await one.transaction(async (tx) => {
        const { id } = await tx.create(collection, { n: 1 });
        assert.equal(await tx.count(collection), 1);
        return id;
      });
      await isStored(one, made, { n: 1 });
      await isStored(two, made, undefined);
      await isStored(db, made, undefined);
    },
  },
};

export const withoutScopes: Theme = {
  name: "no scopes",
  lacks: "scopes",
  cases: {
    "a call in a scope is UNSUPPORTED and touches no other scope": async (context) => {
      const { db, collection } = context;
      const [one] = scoped(context);
      const { id } = await db.create(collection, { n: 1 });
      await rejects(one.create(collection, {}), "UNSUPPORTED");
      await rejects(one.read(id), "UNSUPPORTED");
      await rejects(one.update(id, { n: 2 }), "UNSUPPORTED");
      await rejects(one.delete(id), "UNSUPPORTED");
      await rejects(one.find(collection), "UNSUPPORTED");
      await rejects(one.count(collection), "UNSUPPORTED");
      await isStored(db, id, { n: 1 });
      assert.equal(await db.count(collection), 1);
    },
  },
};

export const live: Theme = {
  name: "live queries",
  needs: "liveQueries",
  cases: {
    "a change arrives at a live query of its collection, until the signal fires": async ({ db, collection }) => {
      const controller = new AbortController();
      const changes = db.live(collection, { signal: controller.signal })[Symbol.asyncIterator]();
      let arrived = false;
      const first = changes.next().finally(() => {
        arrived = true;
      });
      // When the subscription stands is not told, so changes are made until one arrives.
      for (let n = 0; n < 200 && !arrived; n += 1) {
        await db.create(collection, { n });
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      assert.equal(arrived, true, "expected a change to arrive");
      assert.equal((await first).done, false);
      controller.abort();
      for (let n = 0; n < 1_000; n += 1) {
        const next = await changes.next().catch(() => ({ done: true }));
        if (next.done === true) return;
      }
      assert.fail("expected the live query to end with its signal");
    },
  },
};

export const withoutLive: Theme = {
  name: "no live queries",
  lacks: "liveQueries",
  cases: {
    "a live query is UNSUPPORTED": async ({ db, collection }) => {
      await rejects(Promise.resolve(db.live(collection)[Symbol.asyncIterator]().next()), "UNSUPPORTED");
    },
  },
};

export const withoutLedger: Theme = {
  name: "no ledger",
  lacks: "idempotentWrites",
  cases: {
    "a look into the ledger is UNSUPPORTED": async ({ db }) => {
      await rejects(db.wasApplied("some-operation"), "UNSUPPORTED");
    },
    "a write that asks for a ledger is UNSUPPORTED and not carried out": async ({ facade, collection, db }) => {
      const layers: readonly Layer[] = [asksForLedger];
      await rejects(facade({ layers }).create(collection, {}), "UNSUPPORTED");
      assert.equal(await db.count(collection), 0);
    },
  },
};

function scoped({
  db,
  options,
}: CaseContext): readonly [ReturnType<typeof db.withScope>, ReturnType<typeof db.withScope>] {
  const { scopes: chosen } = options;
  const [one, two] = chosen ?? [
    { namespace: "conformance", database: "one" },
    { namespace: "conformance", database: "two" },
  ];
  return [db.withScope(one), db.withScope(two)];
}
