import { contains, createDatabase, type DatabaseService, eq } from "@db/core";
import { NoteId, noteModel, repository, storedIdOf } from "@db/models";
import { MockDatabase } from "@db/testing";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { errorOf, issuesOf } from "./expect-code.ts";

const note = { title: "Milk", content: "Two litres.", author: "ada" };
let mock: MockDatabase;
let db: DatabaseService;
const notes = () => repository(db, noteModel);

beforeEach(async () => {
  mock = new MockDatabase();
  db = createDatabase({ driver: mock });
  await db.connect();
});
afterEach(() => db.disconnect());

describe("create", () => {
  test("stores the whole record, and answers with it and its id", async () => {
    const { id, status, operationId, record } = await notes().create(note);
    expect(status).toBe("committed");
    expect(NoteId.is(id)).toBe(true);
    expect(operationId).toMatch(/^[\w-]+$/);
    expect(record).toEqual({ ...note, id, tags: [], createdAt: expect.any(Date), updatedAt: expect.any(Date) });
    expect(await db.read(id)).toEqual(record);
    expect(await notes().findById(id)).toEqual(record);
  });

  test("takes an id, an operation id and a wish for the stored row", async () => {
    const id = NoteId.parse("notes:mine");
    const written = await notes().create(note, { id, operationId: "op-1", returning: true });
    expect(written).toMatchObject({ id, operationId: "op-1", record: { ...note, id } });
    await errorOf("ALREADY_EXISTS", () => notes().create(note, { id }));
  });

  test("what is invalid never reaches the database", async () => {
    mock.clearCalls();
    expect(await issuesOf(() => notes().create({ ...note, title: "" }))).toHaveLength(1);
    await errorOf("INVALID_RECORD_ID", () => notes().create(note, { id: "users:1" as NoteId }));
    expect(mock.calls).toEqual([]);
  });

  test("whatever the model takes comes back as it went in", async () => {
    const character = fc.string({ unit: "grapheme", minLength: 1, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          title: character.filter((title) => !title.includes("<")),
          content: character,
          author: fc.stringMatching(/^[a-zA-Z0-9_-]{1,100}$/),
          tags: fc.array(character, { maxLength: 10 }),
          createdAt: fc.date({ noInvalidDate: true }),
        }),
        async (input) => {
          const { id, record } = await notes().create(input);
          expect(record).toMatchObject(input);
          expect(await notes().findById(id)).toEqual(record);
        },
      ),
    );
  });
});

describe("findById and findMany", () => {
  test("a missing record is undefined, an id of another collection is refused", async () => {
    expect(await notes().findById(NoteId.create())).toBeUndefined();
    await errorOf("INVALID_RECORD_ID", () => notes().findById("users:1" as NoteId));
  });

  test("filters, orders and pages", async () => {
    for (const [index, author] of ["ada", "bob", "ada", "ada"].entries()) {
      await notes().create({ ...note, title: `n${index}`, author, tags: index > 1 ? ["late"] : [] });
    }
    const query = { where: eq("author", "ada"), order: [["title", "desc"]], limit: 2 } as const;
    const first = await notes().findMany(query);
    expect(first.items.map(({ title }) => title)).toEqual(["n3", "n2"]);
    const second = await notes().findMany({ ...query, after: first.next ?? "" });
    expect(second.items.map(({ title }) => title)).toEqual(["n0"]);
    expect(second.next).toBeNull();
    expect((await notes().findMany({ where: contains("tags", "late") })).items).toHaveLength(2);
    expect((await notes().findMany()).items).toHaveLength(4);
    await errorOf("INVALID_QUERY", () => notes().findMany({ limit: -1 }));
  });

  test("a stored row that no longer fits says so; fields of a newer version are dropped", async () => {
    await db.create("notes", { ...note, colour: "red" }, { id: "notes:new" });
    await db.create("notes", { ...note, title: 7 }, { id: "notes:old" });
    expect(await notes().findById(NoteId.parse("notes:new"))).not.toHaveProperty("colour");
    for (const read of [() => notes().findById(NoteId.parse("notes:old")), () => notes().findMany()]) {
      const error = await errorOf("VALIDATION_FAILED", read);
      expect(error.message).toContain("a stored record of notes: expected notes.title to be a string");
      expect(storedIdOf(error)).toBe("notes:old");
    }
  });
});

describe("update", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["Date"], now: 1_000 });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test("merges the fields given and sets updatedAt", async () => {
    const { id, record } = await notes().create(note);
    vi.setSystemTime(5_000);
    const written = await notes().update(id, { title: "Bread" });
    expect(written).toEqual({ id, status: "committed", operationId: expect.any(String) });
    expect(await notes().findById(id)).toEqual({ ...record, title: "Bread", updatedAt: new Date(5_000) });
    expect((await notes().update(id, { tags: ["a"] }, { returning: true })).record).toMatchObject({
      title: "Bread",
      tags: ["a"],
      createdAt: new Date(1_000),
    });
  });

  test("what is invalid is refused, unknown fields too, and changes nothing", async () => {
    const { id, record } = await notes().create(note);
    expect(await issuesOf(() => notes().update(id, { title: "<script>" }))).toHaveLength(1);
    expect(await issuesOf(() => notes().update(id, { colour: "red" } as object))).toHaveLength(1);
    await errorOf("INVALID_RECORD_ID", () => notes().update("users:1" as NoteId, {}));
    expect(await notes().findById(id)).toEqual(record);
  });

  test("the write is told to be done where the row it came with does not fit", async () => {
    await db.create("notes", { ...note, content: 7 }, { id: "notes:old" });
    const id = NoteId.parse("notes:old");
    const error = await errorOf("VALIDATION_FAILED", () => notes().update(id, { title: "x" }, { returning: true }));
    expect(error.effect).toBe("unknown");
    expect(storedIdOf(error)).toBe(id);
    expect(await db.read(id)).toMatchObject({ title: "x" });
  });

  test("of a missing record is NOT_FOUND, of a changed one PRECONDITION_FAILED", async () => {
    await errorOf("NOT_FOUND", () => notes().update(NoteId.create(), { title: "x" }));
    const { id } = await notes().create(note);
    await errorOf("PRECONDITION_FAILED", () => notes().update(id, { title: "x" }, { expect: { title: "y" } }));
    await notes().update(id, { title: "x" }, { expect: { title: note.title } });
  });
});

test("delete takes a record away, and can answer with what it was", async () => {
  const { id, record } = await notes().create(note);
  await errorOf("PRECONDITION_FAILED", () => notes().delete(id, { expect: { author: "bob" } }));
  expect((await notes().delete(id, { returning: true })).record).toEqual(record);
  expect(await notes().findById(id)).toBeUndefined();
  await errorOf("NOT_FOUND", () => notes().delete(id));
  await errorOf("INVALID_RECORD_ID", () => notes().delete("users:1" as NoteId));
});

test("stream gives every record once, page after page", async () => {
  for (let index = 0; index < 25; index += 1) await notes().create({ ...note, title: `n${index}` });
  const seen: NoteId[] = [];
  for await (const { id } of notes().stream({ where: eq("author", "ada") }, { pageSize: 4 })) seen.push(id);
  expect(seen).toHaveLength(25);
  expect(new Set(seen).size).toBe(25);
});

test("works on a transaction as on the service", async () => {
  const { id } = await db.transaction(async (tx) => {
    const inside = repository(tx, noteModel);
    const created = await inside.create(note);
    await inside.update(created.id, { title: "Bread" });
    return created;
  });
  expect(await notes().findById(id)).toMatchObject({ title: "Bread" });
  const failed = db.transaction(async (tx) => {
    await repository(tx, noteModel).delete(id);
    throw new RangeError("no");
  });
  await expect(failed).rejects.toThrow("no");
  expect(await notes().findById(id)).toBeDefined();
});

test("the caller's signal ends the call", async () => {
  mock.hang();
  const controller = new AbortController();
  const reading = notes().findById(NoteId.create(), { signal: controller.signal });
  controller.abort();
  await errorOf("CANCELLED", () => reading);
});
