import { classOf, invalid, isPlainObject, setField } from "@db/core";

/** Objects of one key that begins with this are values that a format does not have. */
export const MARK = "$";

/** What a format keeps as it is, beyond what JSON does. */
export interface Native {
  readonly bytes: boolean;
  readonly bigint: boolean;
}

/**
 * The value with marks in the places of what a format does not have: `{"$date":"2026-01-01T00:00:00.000Z"}`,
 * `{"$bigint":"9007199254740993"}`, `{"$bytes":"base64"}`, `{"$number":"-0"}`; an object that could be taken for something else stands in `{"$object":[[name, value]]}`.
 */
export function mark(value: unknown, native: Native): unknown {
  switch (classOf(value)) {
    case "date":
      return { $date: (value as Date).toISOString() };
    case "bytes":
      return native.bytes ? value : { $bytes: Buffer.from(value as Uint8Array).toString("base64") };
    case "number":
      if (typeof value === "bigint") return native.bigint ? value : { $bigint: String(value) };
      if (!Number.isFinite(value)) throw invalid([], "finite", "made of finite numbers");
      return Object.is(value, -0) ? { $number: "-0" } : value;
    case "array":
      return Array.from(value as readonly unknown[], (item) => mark(item, native));
    case "object":
      return markObject(value as object, native);
    case "other":
      throw invalid([], "type", "made of portable values");
    default:
      return value;
  }
}

/** The value that was marked; objects may also have become maps. */
export function unmark(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unmark);
  const fields = value instanceof Map ? [...value] : isPlainObject(value) ? Object.entries(value) : undefined;
  if (fields === undefined) return value;
  const [name, inner] = fields[0] ?? ["", undefined];
  if (fields.length !== 1 || !String(name).startsWith(MARK)) return fromFields(fields);
  switch (name) {
    case "$date":
      return new Date(inner);
    case "$bigint":
      return BigInt(inner);
    case "$bytes":
      return Uint8Array.from(Buffer.from(inner, "base64"));
    case "$number":
      return Number(inner);
    case "$object":
      return fromFields(inner);
    default:
      throw new Error(`expected a known mark, got "${name}"`);
  }
}

/** Names by which a library tells what an object is, or calls it. */
const MEANT_BY_LIBRARIES = new Set(["constructor", "toJSON", "__proto__"]);

function markObject(value: object, native: Native): unknown {
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .map(([name, field]) => [name, mark(field, native)] as const);
  const looksLikeMark = fields.length === 1 && fields[0]?.[0].startsWith(MARK) === true;
  if (looksLikeMark || fields.some(([name]) => MEANT_BY_LIBRARIES.has(name))) return { $object: fields };
  const marked: { [field: string]: unknown } = {};
  for (const [name, field] of fields) setField(marked, name, field);
  return marked;
}

function fromFields(fields: readonly (readonly [string, unknown])[]): object {
  const object: { [field: string]: unknown } = {};
  for (const [name, field] of fields) setField(object, name, unmark(field));
  return object;
}
