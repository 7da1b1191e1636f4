import { defineModel, type StandardSchema } from "@db/models";
import * as v from "valibot";
import { expect, test } from "vitest";
import { issuesOf } from "./expect-code.ts";

/** Every rule that has words of its own, and some that have not. */
const table: readonly [
  schema: StandardSchema<never, unknown> | object,
  value: unknown,
  rule: string,
  expected: string,
][] = [
  [v.string(), 1, "type", "a string"],
  [v.number(), "1", "type", "a number"],
  [v.bigint(), 1, "type", "an integer"],
  [v.boolean(), 1, "type", "true or false"],
  [v.null(), 1, "type", "null"],
  [v.record(v.string(), v.string()), 1, "type", "an object"],
  [v.instance(URL), 1, "type", "of type URL"],
  [v.union([v.string(), v.number()]), true, "type", "of type (string | number)"],
  [v.picklist(["a", "b"]), "c", "one_of", 'one of "a" | "b"'],
  [v.literal(5), 6, "one_of", "one of 5"],
  [v.never(), 1, "type", "absent"],
  [v.pipe(v.string(), v.length(1)), "ab", "length", "exactly 1 character"],
  [v.pipe(v.string(), v.minLength(3)), "ab", "min_length", "at least 3 characters"],
  [v.pipe(v.array(v.string()), v.minLength(1)), [], "min_length", "at least 1 item"],
  [v.pipe(v.string(), v.nonEmpty()), "", "min_length", "not empty"],
  [v.pipe(v.string(), v.minGraphemes(2)), "👍🏽", "min_length", "at least 2 characters"],
  [v.pipe(v.string(), v.maxGraphemes(1)), "ab", "max_length", "at most 1 character"],
  [v.pipe(v.string(), v.graphemes(1)), "ab", "length", "exactly 1 character"],
  [v.pipe(v.string(), v.minBytes(2)), "a", "min_bytes", "at least 2 bytes"],
  [v.pipe(v.string(), v.maxBytes(1)), "ä", "max_bytes", "at most 1 byte"],
  [v.pipe(v.number(), v.minValue(1)), 0, "min_value", "at least 1"],
  [v.pipe(v.date(), v.maxValue(new Date(0))), new Date(1), "max_value", "at most 1970-01-01T00:00:00.000Z"],
  [v.pipe(v.number(), v.gtValue(1)), 1, "min_value", "more than 1"],
  [v.pipe(v.number(), v.ltValue(1)), 1, "max_value", "less than 1"],
  [v.pipe(v.number(), v.multipleOf(2)), 1, "multiple_of", "a multiple of 2"],
  [v.pipe(v.number(), v.integer()), 1.5, "integer", "a whole number"],
  [v.pipe(v.number(), v.safeInteger()), 2 ** 60, "integer", "a whole number within ±(2⁵³ − 1)"],
  [v.pipe(v.number(), v.finite()), Number.POSITIVE_INFINITY, "finite", "a finite number"],
  [v.pipe(v.string(), v.regex(/^a$/)), "b", "pattern", "text that matches /^a$/"],
  [v.pipe(v.string(), v.email()), "b", "email", "an e-mail address"],
  [v.pipe(v.string(), v.url()), "b", "url", "a URL"],
  [v.pipe(v.string(), v.uuid()), "b", "uuid", "a UUID"],
  [v.pipe(v.string(), v.isoDate()), "b", "iso_date", "a date like 2026-01-31"],
  [v.pipe(v.string(), v.isoTimestamp()), "b", "iso_timestamp", "a time like 2026-01-31T12:00:00.000Z"],
  [v.pipe(v.string(), v.startsWith("x")), "b", "starts_with", '"x"'],
  [
    v.pipe(
      v.string(),
      v.check((value) => value === "x", "my words"),
    ),
    "b",
    "check",
    "what its rule asks for",
  ],
];

test.each(table)("%# a value that is wrong", async (schema, value, rule, expected) => {
  const model = defineModel("a", { x: schema as StandardSchema });
  expect(await issuesOf(() => model.parse({ x: value }))).toEqual([{ path: ["x"], rule, expected }]);
});

const inner = v.strictObject({ a: v.string(), list: v.optional(v.array(v.object({ b: v.number() }))) });

test.each<[string, unknown, readonly (string | number)[], string, string]>([
  ["a missing key", {}, ["x", "a"], "required", "present"],
  ["an unknown key", { a: "", zz: 1 }, ["x", "zz"], "unknown_field", "absent"],
  ["no object", "o", ["x"], "type", "an object"],
  ["deep inside", { a: "", list: [{ b: 1 }, { b: "2" }] }, ["x", "list", 1, "b"], "type", "a number"],
])("within an object: %s", async (_name, value, path, rule, expected) => {
  const model = defineModel("a", { x: inner });
  expect(await issuesOf(() => model.parse({ x: value }))).toEqual([{ path, rule, expected }]);
});

test("paths of other libraries are understood, their messages are not passed on", async () => {
  const other = (issue: object): StandardSchema => ({
    "~standard": { version: 1, vendor: "other", validate: () => ({ issues: [{ message: "got s3cr3t", ...issue }] }) },
  });
  const model = defineModel("a", {
    a: other({ path: ["k", 0, { key: "m" }, Symbol("s")], expected: "string", code: "invalid_type" }),
    b: other({ code: "Not A Word" }),
  });
  expect(await issuesOf(() => model.parse({}))).toEqual([
    { path: ["a", "k", 0, "m", "Symbol(s)"], rule: "invalid_type", expected: "string" },
    { path: ["b"], rule: "invalid", expected: "what its rule asks for" },
  ]);
});
