import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatRecordId, MAX_KEY_LENGTH, newOperationId, newRecordId, parseRecordId } from "../src/index.ts";
import { collection, wellFormed } from "./support/arbitraries.ts";
import { failureOf } from "./support/service.ts";

const key = wellFormed.filter((text) => text.length > 0 && text.length <= MAX_KEY_LENGTH && !text.includes("\0"));

describe("format and parse", () => {
  test("any collection and key come back from their id", () => {
    fc.assert(
      fc.property(collection, key, (name, text) => {
        expect(parseRecordId(formatRecordId(name, text))).toEqual({ collection: name, key: text });
      }),
    );
  });

  test("the key is all text after the first colon", () => {
    expect(parseRecordId("notes:a:b::c")).toEqual({ collection: "notes", key: "a:b::c" });
    expect(parseRecordId("notes:⟨1⟩")).toEqual({ collection: "notes", key: "⟨1⟩" });
  });

  test("a key that reads as a number, null or an object stays text", () => {
    for (const text of ["1", "-0", "null", "true", "{}", "1e3", "__proto__"]) {
      expect(parseRecordId(`notes:${text}`).key).toBe(text);
    }
  });

  test("whatever is given, the answer is an id that round-trips or INVALID_RECORD_ID", () => {
    fc.assert(
      fc.property(fc.oneof(fc.anything(), fc.string({ unit: "binary" })), (input) => {
        try {
          const parsed = parseRecordId(input);
          expect(formatRecordId(parsed.collection, parsed.key)).toBe(input);
        } catch (error) {
          expect(error).toMatchObject({ code: "INVALID_RECORD_ID", effect: "none" });
        }
      }),
    );
  });
});

describe("hostile ids", () => {
  test.each([
    [undefined],
    [null],
    [7],
    [{ toString: () => "notes:1" }],
    [["notes:1"]],
    [""],
    ["notes"],
    [":1"],
    ["notes:"],
    ["no tes:1"],
    ["notes;DELETE notes:1"],
    ["1notes:1"],
    ["nötes:1"],
    [`${"n".repeat(64)}:1`],
    [`notes:${"k".repeat(MAX_KEY_LENGTH + 1)}`],
    ["notes:a\0b"],
    ["notes:\ud800"],
    ["notes\n:1"],
  ])("%o is refused", (id) => {
    expect(failureOf(() => parseRecordId(id)).code).toBe("INVALID_RECORD_ID");
  });

  test("the key never stands in the message", () => {
    const error = failureOf(() => parseRecordId(`notes:secret\0`));
    expect(error.message).not.toContain("secret");
  });

  test("an id of another collection is refused, naming both", () => {
    const error = failureOf(() => parseRecordId("users:1", "notes"));
    expect(error.message).toBe('expected an id of the collection "notes", got one of "users"');
  });

  test("parts that make no id cannot be formatted", () => {
    for (const [name, text] of [
      ["no tes", "1"],
      ["notes", ""],
      ["notes", "\0"],
      ["notes", 5],
      [undefined, "1"],
    ] as [string, string][]) {
      expect(failureOf(() => formatRecordId(name, text)).code).toBe("INVALID_RECORD_ID");
    }
  });
});

describe("new ids", () => {
  test("are UUIDv7, and each is greater than the one before", () => {
    const ids = Array.from({ length: 5_000 }, () => newRecordId("notes"));
    expect(ids).toEqual([...new Set(ids)].sort());
    expect(ids[0]).toMatch(/^notes:[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  test("an operation id is a UUIDv7 that is greater than the one before", () => {
    const [first, second] = [newOperationId(), newOperationId()];
    expect(first < second).toBe(true);
    expect(first).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  test("a collection that is none gets no id", () => {
    expect(failureOf(() => newRecordId("no tes")).code).toBe("INVALID_RECORD_ID");
  });
});
