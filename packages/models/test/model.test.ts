import { defineModel, noteModel, rule, type StandardSchema, storedIdOf, text } from "@db/models";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { errorOf, issuesOf } from "./expect-code.ts";

const note = { title: "Milk", content: "Two litres.", author: "ada" };
const when = new Date(5);
const task = defineModel(
  "tasks",
  v.object({
    what: text({ min: 1, max: 20 }),
    done: v.optional(v.boolean(), false),
    due: v.optional(v.date()),
    hint: v.exactOptional(v.string()),
    changed: v.optional(v.date(), when),
  }),
  { onUpdate: () => ({ changed: new Date(9) }) },
);

describe("parse", () => {
  test("fills in defaults and leaves out what has none", () => {
    expect(task.parse({ what: "x" })).toEqual({ what: "x", done: false, changed: when });
    expect(Object.keys(task.parse({ what: "x" }))).toEqual(["what", "done", "changed"]);
  });

  test.each<[string, unknown]>([
    ["null", null],
    ["a text", "x"],
    ["an array", [note]],
    ["a Map", new Map(Object.entries(note))],
    [
      "a class instance",
      new (class Fake {
        title = "a";
        content = "b";
        author = "c";
      })(),
    ],
    ["nothing", undefined],
  ])("%s is no record", async (_name, input) => {
    expect(await issuesOf(() => noteModel.parse(input))).toEqual([
      { path: [], rule: "type", expected: "a plain object of fields" },
    ]);
  });

  test("a field __proto__ is an unknown field and changes nothing", async () => {
    const input: unknown = JSON.parse(
      '{"title":"a","content":"b","author":"c","__proto__":{"tags":["x"],"polluted":1}}',
    );
    expect(await issuesOf(() => noteModel.parse(input))).toEqual([
      { path: ["__proto__"], rule: "unknown_field", expected: "absent" },
    ]);
    expect("polluted" in {}).toBe(false);
  });

  test("inherited fields are not taken", async () => {
    const bare = Object.assign(Object.create(null), note);
    expect(noteModel.parse(bare)).toMatchObject(note);
    expect((await issuesOf(() => noteModel.parse(Object.create(bare)))).length).toBe(1 + 2);
  });

  test("any number of unknown fields makes few issues", async () => {
    const input = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`f${index}`, 1]));
    const error = await errorOf("VALIDATION_FAILED", () => noteModel.parse({ ...note, ...input }));
    expect(error.facts.issues.length).toBe(20);
    expect(error.message).toBe("notes: expected f0 to be absent, and 9999 more");
  });

  test("a long name is cut wherever it is told, never within a character", async () => {
    const model = defineModel("a", { x: v.optional(v.record(v.string(), v.number())) });
    const long = `${"k".repeat(63)}😀😀`;
    const cut = `${"k".repeat(63)}…`;
    const error = await errorOf("VALIDATION_FAILED", () => model.parse({ [long]: 1, x: { [long]: "" } }));
    expect(error.facts.issues.map(({ path }) => path)).toEqual([["x", cut], [cut]]);
    expect((await errorOf("VALIDATION_FAILED", () => model.parse({ [long]: 1 }))).message).toBe(
      `a: expected ${cut} to be absent`,
    );
    expect((await issuesOf(() => model.parse({ ["k".repeat(64)]: 1 })))[0]?.path).toEqual(["k".repeat(64)]);
  });
});

describe("parsePatch", () => {
  test("checks exactly the fields given, and those of onUpdate", async () => {
    expect(task.parsePatch({ done: true })).toEqual({ done: true, changed: new Date(9) });
    expect(task.parsePatch({})).toEqual({ changed: new Date(9) });
    expect(task.parsePatch({ changed: when })).toEqual({ changed: when });
    expect(await issuesOf(() => task.parsePatch({ what: "", x: 1 }))).toEqual([
      { path: ["what"], rule: "min_length", expected: "at least 1 character" },
      { path: ["x"], rule: "unknown_field", expected: "absent" },
    ]);
  });

  test("undefined takes a field away, sets it back to its default, or is refused", async () => {
    expect(task.parsePatch({ due: undefined, done: undefined })).toStrictEqual({
      due: undefined,
      done: false,
      changed: new Date(9),
    });
    expect(await issuesOf(() => task.parsePatch({ what: undefined }))).toMatchObject([{ rule: "required" }]);
  });
});

describe("parseStored", () => {
  test("drops what a newer version wrote and fills in what an older one did not", () => {
    expect(task.parseStored({ id: "tasks:1", what: "x", colour: "red" })).toEqual({
      id: "tasks:1",
      what: "x",
      done: false,
      changed: when,
    });
  });

  test("a row that no longer fits is told apart from a wrong input", async () => {
    const error = await errorOf("VALIDATION_FAILED", () => task.parseStored({ id: "tasks:1", what: 7, done: "yes" }));
    expect(error.message).toBe("a stored record of tasks: expected tasks.what to be a string, and 1 more");
    expect(error.facts.issues[0]).toEqual({ path: ["tasks", "what"], rule: "type", expected: "a string" });
    expect(storedIdOf(error)).toBe("tasks:1");
    expect(storedIdOf(await errorOf("VALIDATION_FAILED", () => task.parse({})))).toBeUndefined();
    expect(storedIdOf(new Error("x"))).toBeUndefined();
  });

  test("a row of another collection is refused", async () => {
    await errorOf("INVALID_RECORD_ID", () => task.parseStored({ id: "notes:1", what: "x" }));
  });
});

describe("defineModel", () => {
  test("takes schemas of any library that speaks Standard Schema, field by field", async () => {
    const even: StandardSchema<number> = {
      "~standard": {
        version: 1,
        vendor: "other",
        validate: (value) =>
          typeof value === "number" && value % 2 === 0
            ? { value }
            : { issues: [{ message: `not even: ${value}`, code: "not_even" } as { message: string }] },
      },
    };
    const model = defineModel("numbers", { even, name: v.string() });
    expect(model.parse({ even: 2, name: "two" })).toEqual({ even: 2, name: "two" });
    expect(await issuesOf(() => model.parse({ even: 3, name: "three" }))).toEqual([
      { path: ["even"], rule: "not_even", expected: "what its rule asks for" },
    ]);
  });

  test("metadata around an object is taken", () => {
    expect(defineModel("a", v.pipe(v.strictObject({ x: v.string() }), v.title("A"))).parse({ x: "1" })).toEqual({
      x: "1",
    });
  });

  test.each<[string, () => unknown]>([
    ["expected the collection's name", () => defineModel("no-tes", v.object({}))],
    ["expected the collection's name", () => defineModel("", v.object({}))],
    ["expected a schema", () => defineModel("a", null as never)],
    ["expected v.object", () => defineModel("a", v.string() as never)],
    ["expected v.object", () => defineModel("a", v.looseObject({}) as never)],
    ['expected no field "id"', () => defineModel("a", v.object({ id: v.string() }))],
    ['expected "x" to be a schema', () => defineModel("a", { x: "string" } as never)],
    [
      'expected "x" to validate synchronously',
      () =>
        defineModel("a", {
          x: v.pipeAsync(
            v.string(),
            v.checkAsync(async () => true),
          ),
        } as never),
    ],
    [
      "expected rules on the fields only",
      () =>
        defineModel(
          "a",
          v.pipe(
            v.object({ x: v.string() }),
            v.check(() => true),
          ),
        ),
    ],
  ])("refuses with: %s", (message, define) => {
    expect(define).toThrow(TypeError);
    expect(define).toThrow(message);
  });

  test("a schema that turns out to be asynchronous is UNSUPPORTED", async () => {
    const late: StandardSchema<string> = {
      "~standard": { version: 1, vendor: "other", validate: async (value) => ({ value: String(value) }) },
    };
    await errorOf("UNSUPPORTED", () => defineModel("a", { late }).parse({ late: "x" }));
  });

  test("a schema that throws is INTERNAL with the cause", async () => {
    const model = defineModel("a", {
      x: v.pipe(
        v.string(),
        v.check(() => {
          throw new RangeError("boom");
        }),
      ),
    });
    expect((await errorOf("INTERNAL", () => model.parse({ x: "" }))).cause).toBeInstanceOf(RangeError);
  });
});

test("a rule of one's own brings its name and its words", async () => {
  const model = defineModel("a", {
    n: v.pipe(
      v.number(),
      rule("even", "an even number", (n: number) => n % 2 === 0),
    ),
  });
  expect(await issuesOf(() => model.parse({ n: 3 }))).toEqual([
    { path: ["n"], rule: "even", expected: "an even number" },
  ]);
});

test.each([[{ max: 0.5 }], [{ max: -1 }], [{ min: 3, max: 2 }], [{ min: Number.NaN, max: 2 }]])(
  "text(%o) is refused",
  (options) => {
    expect(() => text(options)).toThrow("expected whole numbers 0 <= min <= max");
  },
);
