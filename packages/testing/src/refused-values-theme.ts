import assert from "node:assert/strict";
import { rejects, show } from "./assertions.ts";
import type { Theme } from "./conformance-case.ts";
import { refuses } from "./value-checks.ts";

const MAX = 2n ** 63n - 1n;
const MIN = -(2n ** 63n);

export const refusedValues: Theme = {
  name: "values that cannot be stored",
  cases: {
    "numbers that are not finite are VALIDATION_FAILED": ({ db, collection }) =>
      refuses(db, collection, [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]),

    "whole numbers beyond 64 bits are VALIDATION_FAILED": ({ db, collection }) =>
      refuses(db, collection, [MAX + 1n, MIN - 1n, 2n ** 200n]),

    "undefined inside a value is VALIDATION_FAILED": async ({ db, collection }) => {
      await refuses(db, collection, [{ a: undefined }, [undefined], [1, undefined]]);
    },

    "functions and symbols are VALIDATION_FAILED": ({ db, collection }) =>
      refuses(db, collection, [() => 1, Symbol("s"), class {}]),

    "instances of classes are VALIDATION_FAILED": async ({ db, collection }) => {
      class Point {
        readonly x = 1;
      }
      await refuses(db, collection, [
        new Point(),
        new Map([["a", 1]]),
        new Set([1]),
        /a/,
        new Error("e"),
        new URL("a:b"),
      ]);
      await refuses(db, collection, [Promise.resolve(1), new WeakMap(), new Number(1), new String("s")]);
    },

    "an invalid date is VALIDATION_FAILED": ({ db, collection }) => refuses(db, collection, [new Date(Number.NaN)]),

    "text that is not well-formed is VALIDATION_FAILED": async ({ db, collection }) => {
      await refuses(db, collection, ["\ud800", "a\udc00b", "😀".slice(0, 1)]);
      await refuses(db, collection, [{ "\ud800": 1 }, { "": 1 }, { "a\0b": 1 }]);
      for (const name of ["\ud800", "", "a\0b"]) {
        await rejects(db.create(collection, { [name]: 1 }), "VALIDATION_FAILED", { what: `a field ${show(name)}` });
      }
    },

    "a cycle is VALIDATION_FAILED": async ({ db, collection }) => {
      const object: { [field: string]: unknown } = {};
      object.self = object;
      const list: unknown[] = [];
      list.push(list);
      await refuses(db, collection, [object, list]);
    },

    "a refused value names its path": async ({ db, collection }) => {
      const error = await rejects(db.create(collection, { a: [{ b: Number.NaN }] }), "VALIDATION_FAILED");
      const path = error.code === "VALIDATION_FAILED" ? error.facts.issues[0]?.path : undefined;
      assert.deepEqual(path?.slice(-3), ["a", 0, "b"]);
      assert.equal(await db.count(collection), 0);
    },
  },
};
