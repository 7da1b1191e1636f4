import { invalidQuery, isDatabaseError } from "./errors.ts";
import { checkName, classOf, isPlainObject, type Owns, takeValue, type Value } from "./value.ts";

/** Field names from the outside in; a string alone is one name, never split at dots. */
export type Path = string | readonly string[];

/** How a field is compared with a value. */
export type Comparison = "eq" | "ne" | "lt" | "lte" | "gt" | "gte" | "contains";

/**
 * A condition on a row, as plain data; see the functions of the same names.
 * Comparisons match only values that are present and of the same type.
 */
export type Filter =
  | { readonly op: Comparison; readonly path: readonly string[]; readonly value: Value }
  | { readonly op: "in"; readonly path: readonly string[]; readonly values: readonly Value[] }
  | { readonly op: "and" | "or"; readonly filters: readonly Filter[] }
  | { readonly op: "not"; readonly filter: Filter };

/** Some parsers give up at 20 nested terms, of which a driver needs a few for itself. */
const MAX_FILTER_DEPTH = 12;
const MAX_FILTER_NODES = 1_000;
const MAX_PATH_LENGTH = 32;

const toPath = (path: Path): readonly string[] => (typeof path === "string" ? [path] : path);
const compare =
  (op: Comparison) =>
  (path: Path, value: Value): Filter => ({ op, path: toPath(path), value });

type Compare = (path: Path, value: Value) => Filter;
/** Equal; `null` matches null and missing. */
export const eq: Compare = compare("eq");
/** The negation of `eq`. */
export const ne: Compare = compare("ne");
/** Less than, among present values of one type; strings by code point. */
export const lt: Compare = compare("lt");
/** Less than or equal. */
export const lte: Compare = compare("lte");
/** Greater than. */
export const gt: Compare = compare("gt");
/** Greater than or equal. */
export const gte: Compare = compare("gte");
/** An array that has the value, or a string that has the text. */
export const contains: Compare = compare("contains");
/** Equal to one of the values. */
export function isIn(path: Path, values: readonly Value[]): Filter {
  return { op: "in", path: toPath(path), values };
}
/** All of them; true where there is none. */
export function and(...filters: readonly Filter[]): Filter {
  return { op: "and", filters };
}
/** One of them; false where there is none. */
export function or(...filters: readonly Filter[]): Filter {
  return { op: "or", filters };
}
/** All rows that the filter does not match, those without the field included. */
export function not(filter: Filter): Filter {
  return { op: "not", filter };
}

/**
 * A copy of its own: the caller may change its object while the call waits for its turn.
 * @throws INVALID_QUERY
 */
export function checkFilter(filter: Filter, owns?: Owns): Filter {
  let nodes = 0;
  const check = (node: unknown, depth: number): Filter => {
    nodes += 1;
    if (depth > MAX_FILTER_DEPTH || nodes > MAX_FILTER_NODES) {
      throw invalidQuery(`a filter of at most ${MAX_FILTER_NODES} conditions, ${MAX_FILTER_DEPTH} deep`, node);
    }
    if (!isPlainObject(node)) throw invalidQuery("a filter", node);
    // Read once: a getter could give another value to who looks again.
    const parts: Parts = { ...node };
    const { op, path, value, values } = parts;
    switch (op) {
      case "and":
      case "or": {
        checkParts(parts, "filters");
        const { filters } = parts;
        if (!Array.isArray(filters)) throw invalidQuery(`an array of filters in "${op}"`, filters);
        const checked: Filter[] = [];
        for (const child of filters) checked.push(check(child, depth + 1));
        return { op, filters: checked };
      }
      case "not":
        checkParts(parts, "filter");
        return { op, filter: check(parts.filter, depth + 1) };
      case "in":
        if (!Array.isArray(values)) throw invalidQuery('an array of values in "in"', undefined);
        checkParts(parts, "path", "values");
        return { op, path: checkPath(path), values: takeOperand(values as readonly Value[], owns) };
      case "lt":
      case "lte":
      case "gt":
      case "gte":
        checkParts(parts, "path", "value");
        if (!["boolean", "number", "string", "date"].includes(classOf(value))) {
          throw invalidQuery(`a boolean, number, string or date in "${op}"`, value);
        }
        return { op, path: checkPath(path), value: takeOperand(value as Value, owns) };
      case "eq":
      case "ne":
      case "contains":
        checkParts(parts, "path", "value");
        return { op, path: checkPath(path), value: takeOperand(value as Value, owns) };
      default:
        throw invalidQuery('a filter with "op" eq, ne, lt, lte, gt, gte, in, contains, and, or or not', op);
    }
  };
  return check(filter, 1);
}

interface Parts {
  readonly [part: string]: unknown;
}

/** What a filter does not have must not be ignored: it was meant to say something. */
function checkParts(parts: Parts, first: string, second?: string): void {
  for (const name in parts) {
    if (name === "op" || name === first || name === second || parts[name] === undefined) continue;
    throw invalidQuery(`no "${name}" in the filter "${parts.op}"`, undefined);
  }
}

/** A copy. @throws INVALID_QUERY */
export function checkPath(path: unknown): readonly string[] {
  // By `from`, which gives holes as well.
  const names: readonly unknown[] = Array.isArray(path) && path.length <= MAX_PATH_LENGTH ? Array.from(path) : [];
  if (names.length === 0 || !names.every((name) => typeof name === "string")) {
    throw invalidQuery(`a path of 1..${MAX_PATH_LENGTH} field names`, path);
  }
  for (const name of names) asQueryError(() => checkName(name, []));
  return names;
}

function takeOperand<T>(value: T, owns: Owns): T {
  return asQueryError(() => takeValue(value, [], owns));
}

function asQueryError<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (!isDatabaseError(error) || error.code !== "VALIDATION_FAILED") throw error;
    throw invalidQuery(error.facts.issues[0]?.expected ?? "a portable value", undefined);
  }
}
