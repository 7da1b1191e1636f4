import assert from "node:assert/strict";
import { rejects, sameValue, show } from "./assertions.ts";
import type { Theme } from "./conformance-case.ts";
import { hostileText } from "./hostile-text.ts";

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
