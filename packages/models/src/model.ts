import { checkKeys, expected, formatRecordId, isPlainObject } from "@db/core";
import { type RecordIdOf, type RecordIds, recordIds } from "./id.ts";
import type { FieldSchemas, ModelSchema, SchemaInput, SchemaOutput } from "./standard-schema.ts";
import { asStored } from "./stored.ts";
import { assertNoIssues, assertPlainObject, failure, ownCode, validateFields } from "./validate.ts";

/** What `defineModel` takes beside the schema. */
export interface ModelOptions<Input> {
  /** Fields that every update sets as well, unless its caller gives them: a time of change. Validated like the others. */
  readonly onUpdate?: () => Partial<Input>;
}

/** What is known of the records of one collection. */
export interface Model<C extends string, Input extends object, Output extends object> {
  /** Where its records are. */
  readonly collection: C;
  /** Makes and checks its ids. */
  readonly Id: RecordIds<C>;
  /** The schema of each field, by name; without `id`. */
  readonly fields: FieldSchemas;
  /** A whole record's fields, complete with defaults. Unknown fields are refused. @throws VALIDATION_FAILED */
  parse(input: unknown): Output;
  /**
   * The fields of an update, and those of `onUpdate`: exactly those are checked. `undefined` takes a field away, or back
   * to its default. @throws VALIDATION_FAILED
   */
  parsePatch(input: unknown): PatchOf<Output>;
  /**
   * A stored row. Fields that it has beyond the model's are dropped: a newer version of the program may have written
   * them. A field that it lacks gets its default. @throws VALIDATION_FAILED naming collection and field; INVALID_RECORD_ID
   */
  parseStored(row: unknown): Stored<C, Output>;
  /** The type of `parse`'s input; there is no such value. */
  readonly "~input"?: Input;
}

/** A record as it is read. */
export type Stored<C extends string, Output> = Output & { readonly id: RecordIdOf<C> };
/** The fields of an update; `undefined` takes one away. */
export type PatchOf<T> = { readonly [K in keyof T]?: T[K] | undefined };
/** Any model at all. */
export type AnyModel = Model<string, object, object>;
/** What a model's `parse` takes: fields with a default may be missing. */
export type InputOf<M extends AnyModel> = M extends Model<string, infer Input, object> ? Input : never;
/** A model's record as it is read. */
export type RecordOf<M extends AnyModel> = ReturnType<M["parseStored"]>;

/**
 * Defines a model.
 * @param collection a letter or underscore, then up to 62 letters, digits or underscores
 * @param schema `v.object({…})` of valibot, or the schemas of the fields alone, of any library with Standard Schema. A
 *   field's schema has to accept what it makes: a record that was read is checked again
 * @throws TypeError for a collection or schema that cannot be
 */
export function defineModel<const C extends string, const S extends ModelSchema>(
  collection: C,
  schema: S,
  options: ModelOptions<SchemaInput<S>> = {},
): Model<C, SchemaInput<S>, SchemaOutput<S>> {
  const fields = fieldsOf(checkedCollection(collection), schema);
  const names = Object.keys(fields);
  checkKeys("defineModel", options, ["onUpdate"]);
  const { onUpdate } = options;
  if (onUpdate !== undefined && typeof onUpdate !== "function") throw expected("onUpdate", "a function", onUpdate);
  const Id = recordIds(collection);
  type Output = SchemaOutput<S>;

  return {
    collection,
    Id,
    fields,
    parse(input) {
      assertPlainObject(collection, input);
      const { values, issues } = validateFields(fields, input, names);
      assertNoIssues(collection, fields, input, issues);
      return values as Output;
    },
    parsePatch(input) {
      assertPlainObject(collection, input);
      const given: { readonly [field: string]: unknown } = { ...ownFields(), ...input };
      const { values, issues } = validateFields(fields, given, Object.keys(given).filter(isField));
      assertNoIssues(collection, fields, input, issues);
      return values as PatchOf<Output>;
    },
    parseStored(row) {
      assertPlainObject(`a stored record of ${collection}`, row);
      const id = Id.parse(row.id);
      const { values, issues } = validateFields(fields, row, names);
      if (issues.length > 0) throw asStored(failure(`a stored record of ${collection}`, issues.map(within)), id);
      return { id, ...(values as Output) };
    },
  };

  /** Those of `onUpdate`. One that the model does not have is the program's mistake, and must not vanish. */
  function ownFields(): object {
    return ownCode(() => {
      const own: object = onUpdate?.() ?? {};
      const unknown = Object.keys(own).find((name) => !isField(name));
      if (unknown !== undefined) throw new TypeError(`onUpdate: "${collection}" has no field "${unknown}"`);
      return own;
    });
  }

  function isField(name: string): boolean {
    return Object.hasOwn(fields, name);
  }

  function within<T extends { readonly path: readonly (string | number)[] }>(issue: T): T {
    return { ...issue, path: [collection, ...issue.path] };
  }
}

function checkedCollection(collection: string): string {
  try {
    formatRecordId(collection, "key");
    return collection;
  } catch (cause) {
    const rule = "a letter or underscore, then up to 62 letters, digits or underscores";
    throw new TypeError(`defineModel: expected the collection's name to be ${rule}`, { cause });
  }
}

function fieldsOf(collection: string, schema: ModelSchema): FieldSchemas {
  const wrong = (what: string): TypeError => new TypeError(`defineModel("${collection}"): expected ${what}`);
  if (!isPlainObject(schema)) throw wrong("a schema");
  const { "~standard": standard, type, entries, pipe } = schema as { readonly [part: string]: unknown };
  const isObject = (type === "object" || type === "strict_object") && isPlainObject(entries);
  if (standard !== undefined && !isObject)
    throw wrong("v.object({…}), v.strictObject({…}) or the schemas of the fields");
  // A rule across fields could not be kept by an update of one of them.
  if (standard !== undefined && Array.isArray(pipe) && pipe.slice(1).some(isNoMetadata)) {
    throw wrong("rules on the fields only, got v.pipe around the object");
  }
  const fields = (standard === undefined ? schema : entries) as FieldSchemas;
  for (const [name, field] of Object.entries(fields)) {
    if (name === "id") throw wrong('no field "id": every record has one');
    if (typeof field?.["~standard"]?.validate !== "function") throw wrong(`"${name}" to be a schema`);
    if ("async" in field && field.async === true) throw wrong(`"${name}" to validate synchronously`);
  }
  return fields;
}

function isNoMetadata(action: unknown): boolean {
  return !(isPlainObject(action) && action.kind === "metadata");
}
