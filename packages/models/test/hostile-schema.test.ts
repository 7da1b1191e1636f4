import { createDatabase } from "@db/core";
import { defineModel, repository, type StandardSchema, text } from "@db/models";
import { modelJsonSchema } from "@db/models/json-schema";
import { MockDatabase } from "@db/testing";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { errorOf, issuesOf } from "./expect-code.ts";

/** A schema of another library that answers with this. */
function answering(result: unknown): StandardSchema<string> {
  return { "~standard": { version: 1, vendor: "other", validate: () => result as never } };
}

describe("what a schema answers", () => {
  test.each<[string, unknown]>([
    ["nothing", undefined],
    ["neither a value nor issues", {}],
  ])("is never taken for a field that was left out: %s", async (_name, result) => {
    await errorOf("INTERNAL", () => defineModel("a", { x: answering(result) }).parse({ x: "data" }));
  });

  test("is no success with a list of issues, though it is empty", async () => {
    const model = defineModel("a", { x: answering({ issues: [] }) });
    expect(await issuesOf(() => model.parse({ x: "data" }))).toEqual([
      { path: ["x"], rule: "invalid", expected: "what its rule asks for" },
    ]);
  });

  test("may be no thenable of any kind", async () => {
    // biome-ignore lint/suspicious/noThenProperty: what is tested
    const late = answering({ then: (resolve: (result: unknown) => void) => resolve({ value: "x" }) });
    await errorOf("UNSUPPORTED", () => defineModel("a", { late }).parse({ late: "x" }));
  });
});

describe("a default", () => {
  const model = defineModel("a", {
    at: v.optional(v.date(), new Date(0)),
    any: v.optional(v.unknown(), { list: [1] }),
  });

  test("is each record's own: what becomes of one record changes no other", () => {
    const first = model.parse({}) as { at: Date; any: { list: number[] } };
    first.at.setTime(5);
    first.any.list.push(2);
    expect(model.parse({})).toEqual({ at: new Date(0), any: { list: [1] } });
    expect(model.parseStored({ id: "a:1" })).toEqual({ id: "a:1", at: new Date(0), any: { list: [1] } });
  });
});

test("the record that create gives is what was stored: of values as they are read, and nobody else's", async () => {
  await using db = createDatabase({ driver: new MockDatabase() });
  await db.connect();
  const model = defineModel("a", { n: v.union([v.number(), v.bigint()]), at: v.unknown() });
  const records = repository(db, model);
  const at = new Date(5);
  const { id, record } = await records.create({ n: 5n, at });
  at.setTime(9);
  expect(record).toStrictEqual(await records.findById(id));
  expect(record).toEqual({ id, n: 5, at: new Date(5) });
});

describe("onUpdate", () => {
  const define = (onUpdate: () => object): ReturnType<typeof defineModel> =>
    defineModel("a", { x: v.optional(v.string()) }, { onUpdate });

  test("that sets a field which the model does not have is not ignored", async () => {
    const error = await errorOf("INTERNAL", () => define(() => ({ y: 1 })).parsePatch({ x: "1" }));
    expect(String(error.cause)).toContain('no field "y"');
  });

  test("that throws is INTERNAL with the cause", async () => {
    const model = define(() => {
      throw new RangeError("boom");
    });
    expect((await errorOf("INTERNAL", () => model.parsePatch({}))).cause).toBeInstanceOf(RangeError);
  });
});

describe("an option that does not exist, or cannot be, is refused and not ignored", () => {
  const model = defineModel("a", { x: v.string() });

  test.each<[string, () => unknown]>([
    ['unknown option "onupdate"', () => defineModel("a", {}, { onupdate: () => ({}) } as object)],
    ["onUpdate: expected a function", () => defineModel("a", {}, { onUpdate: {} as never })],
    ['unknown option "trim"', () => text({ max: 5, trim: true } as never)],
    ["text: expected an object of options", () => text(5 as never)],
    ['unknown option "omitted"', () => modelJsonSchema(model, { omitted: ["x"] } as object)],
    ['omit: expected fields of "a"', () => modelJsonSchema(model, { omit: ["X"] })],
    ["view: expected", () => modelJsonSchema(model, { view: "created" as never })],
    ["target: expected", () => modelJsonSchema(model, { target: "openapi" as never })],
  ])("%s", (message, use) => {
    expect(use).toThrow(TypeError);
    expect(use).toThrow(message);
  });
});
