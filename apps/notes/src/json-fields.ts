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

const RFC_3339 = /^(\d{4})-(\d\d)-(\d\d)T\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;

function toDate(value: unknown): unknown {
  const [text, year, month, day] = typeof value === "string" ? (RFC_3339.exec(value) ?? []) : [];
  if (text === undefined) return value;
  const date = new Date(text);
  // The 30th of February would become a day in March.
  const isInMonth = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day))).getUTCDate() === Number(day);
  return isInMonth && !Number.isNaN(date.getTime()) ? date : value;
}
