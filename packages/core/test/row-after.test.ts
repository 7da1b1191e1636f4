import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  equalValues,
  type Fields,
  getField,
  type OperationOf,
  type Row,
  rowAfter,
  type UpdateMode,
  type WriteKind,
} from "../src/index.ts";
import { common, commonField } from "./support/arbitraries.ts";
import { failureOf } from "./support/service.ts";

const id = "notes:1";
const before: Row = { id, a: 1, b: null, list: [1, 2] };
const update = (mode: UpdateMode, data: Fields, more: Partial<OperationOf<"update">> = {}): OperationOf<"update"> => ({
  kind: "update",
  collection: "notes",
  id,
  mode,
  data,
  remove: [],
  expect: undefined,
  returning: false,
  ...more,
});
const create = (data: Fields): OperationOf<"create"> => ({
  kind: "create",
  collection: "notes",
  id,
  data,
  returning: false,
});
const remove = (expected?: Fields): OperationOf<"delete"> => ({
  kind: "delete",
  collection: "notes",
  id,
  expect: expected,
  returning: false,
});

describe("the record that a write leaves", () => {
  test.each<[string, OperationOf<WriteKind>, Row | undefined, Row | undefined]>([
    ["create", create({ a: 5n }), undefined, { id, a: 5 }],
    ["merge", update("merge", { a: 2, c: 3 }, { remove: ["list"] }), before, { id, a: 2, b: null, c: 3 }],
    ["merge of a removed field that is not there", update("merge", {}, { remove: ["x"] }), before, before],
    ["replace", update("replace", { c: 3 }), before, { id, c: 3 }],
    ["increment", update("increment", { a: 4, c: -1n }), before, { id, a: 5, b: null, list: [1, 2], c: -1 }],
    ["delete", remove({ a: 1n, b: null, x: null }), before, undefined],
    ["an expected update", update("merge", { a: 9 }, { expect: { list: [1, 2] } }), before, { ...before, a: 9 }],
  ])("%s", (_name, operation, old, row) => {
    expect(rowAfter(operation, old)).toEqual(row);
  });

  test.each<[string, OperationOf<WriteKind>, Row | undefined, string]>([
    ["a create of what exists", create({}), before, "ALREADY_EXISTS"],
    ["an update of what does not", update("merge", {}), undefined, "NOT_FOUND"],
    ["a delete of what does not", remove(), undefined, "NOT_FOUND"],
    ["missing comes before expected", remove({ a: 1 }), undefined, "NOT_FOUND"],
    ["another value than expected", update("replace", {}, { expect: { a: 2 } }), before, "PRECONDITION_FAILED"],
    ["a field expected that is missing", remove({ x: 1 }), before, "PRECONDITION_FAILED"],
    ["a field expected of the prototype", remove({ toString: 1 }), before, "PRECONDITION_FAILED"],
    ["an increment of what is no number", update("increment", { b: 1 }), before, "FIELD_VIOLATION"],
    ["a sum that does not fit", update("increment", { a: 2n ** 63n - 1n }), before, "FIELD_VIOLATION"],
  ])("%s is refused", (_name, operation, old, code) => {
    expect(failureOf(() => rowAfter(operation, old))).toMatchObject({ code, effect: "none" });
  });

  test("has each named field and keeps each other one, and changes neither the old row nor the data", () => {
    const fields = fc.dictionary(fc.oneof(commonField, fc.constant("__proto__")), common, { maxKeys: 4 });
    fc.assert(
      fc.property(fields, fields, (old, data) => {
        const row: Row = Object.freeze({ ...old, id });
        const merged = rowAfter(update("merge", Object.freeze(data)), row);
        for (const name of new Set([...Object.keys(old), ...Object.keys(data)])) {
          const wanted = Object.hasOwn(data, name) ? getField(data, name) : getField(old, name);
          expect(equalValues(getField(merged, name), wanted)).toBe(true);
        }
        expect(Object.getPrototypeOf(merged)).toBe(Object.prototype);
        expect(getField(merged, "id")).toBe(id);
      }),
    );
  });
});
