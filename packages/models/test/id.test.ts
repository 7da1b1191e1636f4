import { NoteId, recordIds } from "@db/models";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { errorOf } from "./expect-code.ts";

describe("NoteId", () => {
  test("a new one is of its collection, and sorts after those made before", () => {
    const ids = Array.from({ length: 1_000 }, () => NoteId.create());
    expect(new Set(ids).size).toBe(1_000);
    expect([...ids].sort()).toEqual(ids);
    expect(ids.every((id) => id.startsWith("notes:") && NoteId.is(id) && NoteId.parse(id) === id)).toBe(true);
  });

  test("the key is all that follows the first colon", () => {
    expect(NoteId.parse("notes:a:b c/ü")).toBe("notes:a:b c/ü");
  });

  test.each([
    ["users:1"],
    ["notes"],
    ["notes:"],
    [":1"],
    [""],
    ["Notes:1"],
    [" notes:1"],
    ["notes:a\0b"],
    ["notes:\ud800"],
    [`notes:${"x".repeat(513)}`],
    [1],
    [null],
    [undefined],
    [{ collection: "notes", key: "1" }],
    [["notes:1"]],
  ])("%o is refused", async (id) => {
    const error = await errorOf("INVALID_RECORD_ID", () => NoteId.parse(id));
    expect(error.effect).toBe("none");
    expect(error.message).toMatch(/^expected an id "notes:<key>" with a key of 1\.\.512 /);
    expect(NoteId.is(id)).toBe(false);
  });

  test("whatever is taken comes back as it was, and is no id of another collection", () => {
    const users = recordIds("users");
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 1, maxLength: 40 }), (key) => {
        const id = `notes:${key}`;
        expect(NoteId.is(id)).toBe(!key.includes("\0"));
        if (NoteId.is(id)) expect(NoteId.parse(id)).toBe(id);
        expect(users.is(id)).toBe(false);
      }),
    );
  });
});
