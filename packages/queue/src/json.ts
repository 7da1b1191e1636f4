import { classOf, invalid, isPlainObject, setField } from "@db/core";
import type { Codec } from "./codec.ts";
import type { StoredWrite } from "./stored-write.ts";

/** Objects of one key that begins with this are values that JSON does not have. */
const MARK = "$";
const MARK_IN_TEXT = '"$';
const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * JSON, readable with any tool. A date is `{"$date":"2026-01-01T00:00:00.000Z"}`, a big integer `{"$bigint":"9007199254740993"}`,
 * bytes are `{"$bytes":"base64"}`, negative zero is `{"$number":"-0"}`; an object of the user's that looks like one of these stands in
 * `{"$object":…}`. Writes without any such value, which are most, are what `JSON.stringify` makes of them.
 */
export const json: Codec = {
  id: 1,
  name: "json",
  encode: (write) => JSON.stringify(isPlain(write) ? write : mark(write)),
  decode: (bytes) => {
    const text = utf8.decode(bytes);
    const found: unknown = JSON.parse(text);
    return (text.includes(MARK_IN_TEXT) ? unmark(found) : found) as StoredWrite;
  },
};

/** Whether JSON itself keeps the value as it is. */
function isPlain(value: unknown): boolean {
  switch (typeof value) {
    case "string":
    case "boolean":
      return true;
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0);
    case "object":
      break;
    default:
      return false;
  }
  if (value === null) return true;
  if (Array.isArray(value)) {
    for (const item of value) if (!isPlain(item)) return false;
    return true;
  }
  if (!isPlainObject(value)) return false;
  for (const name in value) if (name.startsWith(MARK) || !isPlain(value[name])) return false;
  return true;
}

function mark(value: unknown): unknown {
  switch (classOf(value)) {
    case "date":
      return { $date: (value as Date).toISOString() };
    case "bytes":
      return { $bytes: Buffer.from(value as Uint8Array).toString("base64") };
    case "number":
      if (typeof value === "bigint") return { $bigint: String(value) };
      if (!Number.isFinite(value)) throw invalid([], "finite", "made of finite numbers");
      return Object.is(value, -0) ? { $number: "-0" } : value;
    case "array":
      return Array.from(value as readonly unknown[], mark);
    case "object": {
      const marked = mapFields(value as object, mark);
      const names = Object.keys(marked);
      return names.length === 1 && names[0]?.startsWith(MARK) ? { $object: Object.entries(marked) } : marked;
    }
    case "other":
      throw invalid([], "type", "made of portable values");
    default:
      return value;
  }
}

function unmark(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unmark);
  if (!isPlainObject(value)) return value;
  const names = Object.keys(value);
  const [name = ""] = names;
  if (names.length !== 1 || !name.startsWith(MARK)) return mapFields(value, unmark);
  const inner = value[name];
  switch (name) {
    case "$date":
      return new Date(inner as string);
    case "$bigint":
      return BigInt(inner as string);
    case "$bytes":
      return Uint8Array.from(Buffer.from(inner as string, "base64"));
    case "$number":
      return Number(inner);
    case "$object":
      return fromEntries(inner as [string, unknown][]);
    default:
      throw new Error(`expected a known mark, got "${name}"`);
  }
}

function mapFields(value: object, map: (field: unknown) => unknown): { [field: string]: unknown } {
  const mapped: { [field: string]: unknown } = {};
  for (const [name, field] of Object.entries(value)) if (field !== undefined) setField(mapped, name, map(field));
  return mapped;
}

function fromEntries(entries: readonly (readonly [string, unknown])[]): { [field: string]: unknown } {
  const object: { [field: string]: unknown } = {};
  for (const [name, field] of entries) setField(object, name, unmark(field));
  return object;
}
