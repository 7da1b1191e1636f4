export { type RecordIdOf, type RecordIds, recordIds } from "./id.ts";
export {
  type AnyModel,
  defineModel,
  type InputOf,
  type Model,
  type ModelOptions,
  type PatchOf,
  type RecordOf,
  type Stored,
} from "./model.ts";
export { type Note, type NoteFields, NoteId, type NoteInput, noteModel } from "./note.ts";
export {
  type PageOf,
  type RecordStatements,
  type Repository,
  repository,
  type Written,
  type WrittenRecord,
} from "./repository.ts";
export { type Rule, type RuleIssue, rule } from "./rule.ts";
export type { FieldSchemas, ModelSchema, SchemaInput, SchemaOutput, StandardSchema } from "./standard-schema.ts";
export { storedIdOf } from "./stored.ts";
export { type TextOptions, text } from "./text.ts";
