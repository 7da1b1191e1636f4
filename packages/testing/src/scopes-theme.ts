import assert from "node:assert/strict";
import { isStored } from "./assertions.ts";
import type { Theme } from "./conformance-case.ts";
import { scoped } from "./tenants.ts";

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
