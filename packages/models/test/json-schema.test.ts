import { defineModel, noteModel, type StandardSchema, text } from "@db/models";
import { modelJsonSchema } from "@db/models/json-schema";
import * as v from "valibot";
import { describe, expect, test } from "vitest";

describe("the JSON Schema of a note", () => {
  const length = (min: string, max: string): string => `${min}; ${max}; well-formed Unicode, without lone surrogates`;

  test("to create one: what has a default may be left out", () => {
    expect(modelJsonSchema(noteModel, { view: "create", omit: ["createdAt", "updatedAt"] })).toStrictEqual({
      type: "object",
      properties: {
        title: {
          type: "string",
          description: `${length("at least 1 character", "at most 200 characters")}; without script tags`,
        },
        content: { type: "string", description: length("at least 1 character", "at most 10000 characters") },
        author: { type: "string", minLength: 1, maxLength: 100, pattern: "^[a-zA-Z0-9_-]+$" },
        tags: {
          type: "array",
          items: { type: "string", description: length("at least 1 character", "at most 50 characters") },
          maxItems: 10,
          default: [],
        },
      },
      required: ["title", "content", "author"],
      additionalProperties: false,
    });
  });

  test("to change one: nothing is required, nothing has a default", () => {
    const schema = modelJsonSchema(noteModel, { view: "patch" });
    expect(schema).not.toHaveProperty("required");
    expect(JSON.stringify(schema)).not.toContain("default");
  });

  test("as it is stored: whole, with its id and its times", () => {
    const schema = modelJsonSchema(noteModel);
    expect(schema.required).toEqual(["id", "title", "content", "author", "tags", "createdAt", "updatedAt"]);
    expect(schema.properties).toMatchObject({
      id: { type: "string", pattern: "^notes:.+$" },
      createdAt: { type: "string", format: "date-time" },
    });
    expect(schema.properties?.createdAt).not.toHaveProperty("default");
    expect(schema).not.toHaveProperty("additionalProperties");
  });
});

test("other rules: exact where JSON Schema has a word, in words where it has none", () => {
  const model = defineModel("a", {
    short: v.pipe(v.string(), v.maxGraphemes(5)),
    exact: v.pipe(v.string(), v.graphemes(2)),
    range: v.pipe(v.number(), v.minValue(1), v.maxValue(9)),
    hash: v.pipe(v.string(), v.hash(["md5"])),
    described: v.pipe(text({ max: 3 }), v.description("A name")),
    maybe: v.optional(v.string()),
    size: v.optional(v.picklist(["s", "l"]), "s"),
  });
  const { properties, required } = modelJsonSchema(model, { view: "create", target: "openapi-3.0" });
  expect(properties).toMatchObject({
    short: { type: "string", description: "at most 5 characters" },
    exact: { description: "exactly 2 characters" },
    range: { type: "number", minimum: 1, maximum: 9 },
    size: { enum: ["s", "l"], default: "s" },
  });
  expect(properties?.short).not.toHaveProperty("maxLength");
  expect(required).toEqual(["short", "exact", "range", "hash", "described"]);
  expect(modelJsonSchema(model).required).toContain("size");
  expect(modelJsonSchema(model).required).not.toContain("maybe");
});

test("a field of another library's schema is refused", () => {
  const other: StandardSchema = { "~standard": { version: 1, vendor: "zod", validate: (value) => ({ value }) } };
  expect(() => modelJsonSchema(defineModel("a", { other }))).toThrow(
    'expected "other" to be a schema of valibot, got one of zod',
  );
});
