import { types } from "node:util";
import { DatabaseErrorOf, invalid } from "./errors.ts";
import { describe } from "./options.ts";

/**
 * Value types that only one database has, added by its adapter through declaration merging: each member's type becomes
 * part of `Value`. Other adapters refuse such a value with VALIDATION_FAILED.
 */
export interface AdapterValues {
  readonly none: never;
}

/**
 * What can be stored anywhere. A whole number is read back as `number` where that is exact (up to 2⁵³ − 1) and as
 * `bigint` beyond; both compare by value. Integers have 64 bits, numbers are finite, dates are valid, strings are
 * well-formed Unicode; all of it at most 100 levels deep and 1,000,000 values in number: anything else is refused with
 * VALIDATION_FAILED before it is sent.
 */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Date
  | Uint8Array
  | readonly Value[]
  | { readonly [field: string]: Value }
  | AdapterValues[keyof AdapterValues];

/** The fields of a record. Names are non-empty, well-formed and without NUL. */
export type Fields = { readonly [field: string]: Value };
/** Fields to merge; `undefined` removes the field. */
export type Patch = { readonly [field: string]: Value | undefined };
/** A stored record; `id` is whole: "collection:key". */
export type Row = Fields & { readonly id: string };

/** The classes of values that filters and orders tell apart; `other` is what only an adapter may own. */
export type ValueClass = "null" | "boolean" | "number" | "date" | "string" | "bytes" | "array" | "object" | "other";

/** Tells the adapter's own value types. */
export type Owns = ((value: object) => boolean) | undefined;

const MAX_DEPTH = 100;
/** More than a statement should carry, and still walked in less than a second. */
const MAX_VALUES = 1_000_000;
const INT64_MAX = 2n ** 63n - 1n;

/** The class of any value. `number` is also a bigint, `bytes` a Uint8Array. */
export function classOf(value: unknown): ValueClass {
  if (value === null) return "null";
  switch (typeof value) {
    case "boolean":
    case "string":
      return typeof value as "boolean" | "string";
    case "number":
    case "bigint":
      return "number";
    case "object":
      if (Array.isArray(value)) return "array";
      // By the internal slot: `instanceof` believes any object with that prototype, which then throws when it is used.
      if (types.isDate(value)) return "date";
      if (types.isUint8Array(value)) return "bytes";
      return isPlainObject(value) ? "object" : "other";
    default:
      return "other";
  }
}

/** An object literal, or one without a prototype; also of another realm. */
export function isPlainObject(value: unknown): value is { readonly [field: string]: unknown } {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null;
}

/**
 * Refuses what cannot be stored and read back the same.
 * @param owns tells whether the adapter has a type of its own for this object
 * @throws VALIDATION_FAILED naming the path, what was expected and what came
 */
export function checkValue(
  value: unknown,
  path: readonly (string | number)[],
  owns?: (value: object) => boolean,
): asserts value is Value {
  takeValue(value, path, owns);
}

/**
 * The copy of a value, as `copyValue` makes it, that was checked, as `checkValue` does. Every part is read once: a getter
 * could give another value to who looks again.
 */
export function takeValue<T>(value: T, path: readonly (string | number)[], owns?: Owns): T {
  return new Taking([...path], owns).take(value) as T;
}

/** One value being checked and copied. */
class Taking {
  /** Where we are; a list of its own for every part would cost more than all else here. */
  readonly #path: (string | number)[];
  readonly #owns: Owns;
  #left = MAX_VALUES;

  constructor(path: (string | number)[], owns: Owns) {
    this.#path = path;
    this.#owns = owns;
  }

  take(value: unknown): unknown {
    const path = this.#path;
    if (path.length > MAX_DEPTH)
      throw invalid([], "depth", `nested at most ${MAX_DEPTH} levels deep and without cycles`);
    this.#left -= 1;
    // Sixty lists that each hold the next one twice are more than any machine can walk.
    if (this.#left < 0) throw invalid([], "size", `of at most ${MAX_VALUES} values in all`);
    switch (classOf(value)) {
      case "number":
        checkNumber(value as number | bigint, path);
        return normalNumber(value as number | bigint);
      case "string":
        if (!(value as string).isWellFormed())
          throw invalid([...path], "unicode", "well-formed Unicode, without lone surrogates");
        return value;
      case "date": {
        const copy = copyDate(value as Date);
        if (Number.isNaN(copy.getTime())) throw invalid([...path], "date", "a valid date");
        return copy;
      }
      case "bytes":
        return new Uint8Array(value as Uint8Array);
      case "array":
        return this.#takeArray(value as readonly unknown[]);
      case "object":
        return this.#takeObject(value as object);
      case "other":
        if (typeof value === "object" && value !== null && this.#owns?.(value) === true) return value;
        throw invalid(
          [...path],
          "type",
          `a portable value (null, boolean, number, bigint, string, Date, Uint8Array, array or plain object), got ${describe(value)}`,
        );
      default:
        return value;
    }
  }

  /** By index, which visits holes too: a store would fill them with something else. */
  #takeArray(source: readonly unknown[]): unknown[] {
    const copy: unknown[] = [];
    for (let index = 0; index < source.length; index += 1) {
      this.#path.push(index);
      copy.push(this.take(source[index]));
      this.#path.pop();
    }
    return copy;
  }

  #takeObject(source: object): object {
    const copy: { [field: string]: unknown } = {};
    for (const [name, field] of Object.entries(source)) {
      checkName(name, this.#path);
      this.#path.push(name);
      setField(copy, name, this.take(field));
      this.#path.pop();
    }
    return copy;
  }
}

function checkNumber(value: number | bigint, path: readonly (string | number)[]): void {
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw invalid([...path], "finite", "a finite number");
  } else if (value > INT64_MAX || value < -INT64_MAX - 1n) {
    throw invalid([...path], "int64", "an integer of at most 64 bits");
  }
}

/** Field names are any non-empty well-formed text without NUL. */
export function checkName(name: string, path: readonly (string | number)[]): void {
  if (name === "" || name.includes("\0") || !name.isWellFormed()) {
    throw invalid([...path, name], "field_name", "a field with a non-empty, well-formed name without NUL");
  }
}

/** A deep copy as a store gives it back: own keys only, `__proto__` an ordinary one, whole numbers as `Value` says. */
export function copyValue<T>(value: T): T {
  switch (classOf(value)) {
    case "array":
      return (value as readonly unknown[]).map(copyValue) as T;
    case "object": {
      const copy: { [field: string]: unknown } = {};
      for (const [name, field] of Object.entries(value as object)) setField(copy, name, copyValue(field));
      return copy as T;
    }
    case "date":
      return copyDate(value as Date) as T;
    case "bytes":
      // Not `from`, which asks the array's own iterator.
      return new Uint8Array(value as Uint8Array) as T;
    case "number":
      return normalNumber(value as number | bigint) as T;
    default:
      return value;
  }
}

/** By what it holds: its own methods may be anybody's. */
function copyDate(date: Date): Date {
  return new Date(Date.prototype.getTime.call(date));
}

/** Sets an own field whatever its name: plain assignment to `__proto__` would change the prototype. */
export function setField(target: { [field: string]: unknown }, name: string, value: unknown): void {
  if (name === "__proto__")
    Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true });
  else target[name] = value;
}

/** The own field, or undefined. */
export function getField(source: unknown, name: string): unknown {
  return isPlainObject(source) && Object.hasOwn(source, name) ? source[name] : undefined;
}

/** Equality of values: numbers by value across number and bigint, objects without regard to the order of fields. */
export function equalValues(a: unknown, b: unknown): boolean {
  const kind = classOf(a);
  if (kind !== classOf(b)) return false;
  switch (kind) {
    case "number":
      // biome-ignore lint/suspicious/noDoubleEquals: number and bigint compare by value only under ==
      return a == b;
    case "date":
      return (a as Date).getTime() === (b as Date).getTime();
    case "bytes":
      return equalItems(a as Uint8Array, b as Uint8Array, Object.is);
    case "array":
      return equalItems(a as readonly unknown[], b as readonly unknown[], equalValues);
    case "object": {
      const names = Object.keys(a as object);
      return (
        names.length === Object.keys(b as object).length &&
        names.every((name) => Object.hasOwn(b as object, name) && equalValues(getField(a, name), getField(b, name)))
      );
    }
    default:
      return a === b;
  }
}

function equalItems<T>(a: ArrayLike<T>, b: ArrayLike<T>, equal: (a: T, b: T) => boolean): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index += 1) if (!equal(a[index] as T, b[index] as T)) return false;
  return true;
}

/** Strings by code point: JavaScript's own `<` compares UTF-16 units and puts emoji before U+FFFF. */
export function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index += 1) {
    const x = a.charCodeAt(index);
    const y = b.charCodeAt(index);
    if (x !== y) return isSurrogate(x) === isSurrogate(y) ? x - y : isSurrogate(x) ? 1 : -1;
  }
  return a.length - b.length;
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}

/** The sum, exact for whole numbers; undefined where it does not fit. */
export function addNumbers(a: number | bigint, b: number | bigint): number | bigint | undefined {
  const whole = (value: number | bigint): boolean => typeof value === "bigint" || Number.isSafeInteger(value);
  if (!whole(a) || !whole(b)) {
    const sum = Number(a) + Number(b);
    return Number.isFinite(sum) ? sum : undefined;
  }
  const sum = BigInt(a) + BigInt(b);
  if (sum > INT64_MAX || sum < -INT64_MAX - 1n) return undefined;
  return normalNumber(sum);
}

/** A whole number as `number` where that is exact. */
function normalNumber(value: number | bigint): number | bigint {
  if (typeof value === "number") return value;
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}

/** Field names of a collection: letters, digits and underscores, so that every database takes them as they are. */
const COLLECTION = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/;
export const COLLECTION_RULE =
  "a collection name (a letter or underscore, then up to 62 letters, digits or underscores)";

export function isCollection(name: unknown): name is string {
  return typeof name === "string" && COLLECTION.test(name);
}

export function checkCollection(name: unknown): string {
  if (isCollection(name)) return name;
  throw new DatabaseErrorOf("INVALID_QUERY", `expected ${COLLECTION_RULE}, got ${describe(name)}`, {
    expected: COLLECTION_RULE,
  });
}
