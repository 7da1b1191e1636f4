import * as v from "valibot";
import type { RecordIdOf, RecordIds } from "./id.ts";
import { defineModel, type Model } from "./model.ts";
import { rule } from "./rule.ts";
import { text } from "./text.ts";

/** What a new note is made of. */
/** A note as it is read. */
export interface NoteInput {
  /** 1..200 characters without script tags. */
  readonly title: string;
  /** 1..10,000 characters. */
  readonly content: string;
  /** 1..100 letters, digits, `_` or `-`. */
  readonly author: string;
  /** At most 10, each of 1..50 characters. Default none. */
  readonly tags?: readonly string[] | undefined;
  /** Default now. */
  readonly createdAt?: Date | undefined;
  /** Default now, and again at every update. */
  readonly updatedAt?: Date | undefined;
}

/** The fields of a stored note. */
export interface NoteFields extends Required<NoteInput> {
  readonly tags: readonly string[];
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** A note as it is read. */
export interface Note extends NoteFields {
  readonly id: NoteId;
}

/** The id of a note: "notes:key". */
export type NoteId = RecordIdOf<"notes">;

/**
 * Whatever reads as an opening or closing script tag, in any case: also with white space, control characters or
 * invisible ones (zero-width, soft hyphen, NUL, the blank Braille pattern) anywhere in it, in compatibility letters such
 * as full-width ones, or with the Turkish ı and İ, which a change of case turns into i.
 * A step of defence, not a sanitiser: who shows a title still has to escape it.
 */
function hasScriptTag(title: string): boolean {
  const bare = title.normalize("NFKC").replace(/[\s\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\u2800]+/gu, "");
  return /<\/?scr[iıİ]pt/iu.test(bare);
}

const now = (): Date => new Date();

/** The model of the notes service, and an example of one. */
export const noteModel: Model<"notes", NoteInput, NoteFields> = defineModel(
  "notes",
  v.object({
    title: v.pipe(
      text({ min: 1, max: 200 }),
      rule("no_script", "without script tags", (title: string) => !hasScriptTag(title)),
    ),
    content: text({ min: 1, max: 10_000 }),
    author: v.pipe(v.string(), v.minLength(1), v.maxLength(100), v.regex(/^[a-zA-Z0-9_-]+$/)),
    tags: v.optional(v.pipe(v.array(text({ min: 1, max: 50 })), v.maxLength(10), v.readonly()), () => []),
    createdAt: v.optional(v.date(), now),
    updatedAt: v.optional(v.date(), now),
  }),
  { onUpdate: () => ({ updatedAt: now() }) },
);

/** Makes and checks the ids of notes. */
export const NoteId: RecordIds<"notes"> = noteModel.Id;
