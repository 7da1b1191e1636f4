import type { DatabaseService } from "@db/core";
import {
  defineModel,
  type InputOf,
  type Note,
  type NoteId,
  noteModel,
  type RecordIdOf,
  type RecordOf,
  recordIds,
  repository,
} from "@db/models";
import * as v from "valibot";
import { expect, expectTypeOf, test } from "vitest";

const userModel = defineModel(
  "users",
  v.object({ name: v.string(), age: v.optional(v.number()), role: v.optional(v.string(), "reader") }),
);
type User = RecordOf<typeof userModel>;

/** Never called: `tsc -b` reads it. */
async function compiles(db: DatabaseService): Promise<void> {
  const notes = repository(db, noteModel);
  const users = repository(db, userModel);
  const noteId = noteModel.Id.create();
  const userId = userModel.Id.create();
  await notes.findById(noteId);
  // @ts-expect-error the id of another collection
  await notes.findById(userId);
  // @ts-expect-error a text that nobody checked
  await notes.findById("notes:1");
  // @ts-expect-error the id of another collection
  await notes.update(userId, {});
  // @ts-expect-error the id of another collection
  await notes.delete(userId);
  // @ts-expect-error the id of another collection
  await notes.create({ title: "a", content: "b", author: "c" }, { id: userId });
  // @ts-expect-error without an author
  await notes.create({ title: "a", content: "b" });
  // @ts-expect-error an unknown field
  await notes.update(noteId, { colour: "red" });
  // @ts-expect-error of the wrong type
  await notes.update(noteId, { title: 1 });
  // @ts-expect-error no record unless it is asked for
  (await notes.update(noteId, {})).record;
  expectTypeOf((await notes.update(noteId, {}, { returning: true })).record.title).toEqualTypeOf<string>();
  expectTypeOf((await users.create({ name: "Ada" })).record.role).toEqualTypeOf<string>();
  expectTypeOf((await users.findMany()).items).toEqualTypeOf<readonly User[]>();
  for await (const note of notes.stream()) expectTypeOf(note.id).toEqualTypeOf<NoteId>();
}

test("types follow the schema", () => {
  expect(compiles).toBeTypeOf("function");
  expectTypeOf<RecordOf<typeof noteModel>>().toExtend<Note>();
  expectTypeOf<Note>().toExtend<RecordOf<typeof noteModel>>();
  expectTypeOf<InputOf<typeof userModel>>().toEqualTypeOf<{
    readonly name: string;
    readonly age?: number | undefined;
    readonly role?: string | undefined;
  }>();
  expectTypeOf<User["id"]>().toEqualTypeOf<RecordIdOf<"users">>();
  expectTypeOf<User["age"]>().toEqualTypeOf<number | undefined>();
  expectTypeOf<NoteId>().toExtend<string>();
  expectTypeOf(recordIds("notes").create()).toEqualTypeOf<NoteId>();
});
