import assert from "node:assert/strict";
import { eq, gte } from "@db/core";
import { rejects, show } from "./assertions.ts";
import type { Theme } from "./conformance-case.ts";
import { cursorOf, fill } from "./page-checks.ts";

export const cursors: Theme = {
  name: "cursors",
  cases: {
    "a cursor of another query is INVALID_QUERY": async (context) => {
      await fill(context, 5);
      const { db, collection } = context;
      const where = gte("n", 0);
      const after = cursorOf(await db.find(collection, { where, order: [["n", "asc"]], limit: 2 }));
      const foreign = [
        { after },
        { where, after },
        { order: [["n", "asc"]], after },
        { where, order: [["n", "desc"]], after },
        { where: gte("n", 1), order: [["n", "asc"]], after },
        { where: eq("n", 0), order: [["n", "asc"]], after },
        { where, order: [["group", "asc"]], after },
      ] as const;
      for (const query of foreign) await rejects(db.find(collection, query), "INVALID_QUERY", { what: show(query) });
      await rejects(db.find(`${collection}_other`, { where, order: [["n", "asc"]], after }), "INVALID_QUERY");
    },

    "a cursor that was made up is INVALID_QUERY": async (context) => {
      await fill(context, 5);
      const { db, collection } = context;
      const real = cursorOf(await db.find(collection, { limit: 2 }));
      const text = Buffer.from(real, "base64url").toString();
      const encode = (forged: string): string => Buffer.from(forged).toString("base64url");
      const forged: readonly unknown[] = [
        "",
        "x",
        "'; DROP",
        real.slice(0, -2),
        real.slice(1),
        `${real}x`,
        encode(text.replace("0001", "0000")),
        encode("null"),
        encode("[]"),
        encode("[1]"),
        encode("{"),
        encode(`[1,"x",[[4,"${collection}:0001"]]]`),
        null,
        1,
        {},
      ];
      for (const after of forged) {
        await rejects(db.find(collection, { after: after as string }), "INVALID_QUERY", { what: show(after) });
      }
    },

    "a limit out of bounds, or an option that is none, is INVALID_QUERY": async ({ db, collection }) => {
      for (const limit of [0, -1, 1.5, 10_001, Number.NaN, Number.POSITIVE_INFINITY, "10", null]) {
        await rejects(db.find(collection, { limit: limit as number }), "INVALID_QUERY", {
          what: `limit ${show(limit)}`,
        });
      }
      await rejects(db.find(collection, { offset: 1 } as object), "INVALID_QUERY");
      assert.deepEqual((await db.find(collection, { limit: 10_000 })).items, []);
    },
  },
};
