import { isPlainObject, setField } from "@db/core";
import type { AnyModel } from "@db/models";

/** JSON has no dates: the texts of date fields become dates, and all else stays as it is for the model to judge. */
export function fromJson(model: AnyModel, body: unknown): unknown {
  if (!isPlainObject(body)) return body;
  const fields: { [field: string]: unknown } = {};
  for (const [name, value] of Object.entries(body)) {
    const isDate = Object.hasOwn(model.fields, name) && isDateSchema(model.fields[name]);
    setField(fields, name, isDate ? toDate(value) : value);
  }
  return fields;
}

/** Whole numbers that JSON's readers would round go out as texts. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_name, part: unknown) => (typeof part === "bigint" ? part.toString() : part));
}

/** Valibot's `date`, also as an optional one and inside a pipe. */
function isDateSchema(schema: unknown): boolean {
  const { type, wrapped } = schema as { readonly type?: unknown; readonly wrapped?: unknown };
  return type === "date" || (wrapped !== undefined && isDateSchema(wrapped));
}

const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;

function toDate(value: unknown): unknown {
  if (typeof value !== "string" || !RFC_3339.test(value)) return value;
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? value : date;
}
