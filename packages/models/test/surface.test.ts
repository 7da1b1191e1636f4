import { expect, test } from "vitest";

test("the public surface is exactly this", async () => {
  expect(Object.keys(await import("@db/models")).sort()).toEqual([
    "NoteId",
    "defineModel",
    "noteModel",
    "recordIds",
    "repository",
    "rule",
    "storedIdOf",
    "text",
  ]);
  expect(Object.keys(await import("@db/models/json-schema"))).toEqual(["modelJsonSchema"]);
});
