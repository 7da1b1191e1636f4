import { invalidQuery, isDatabaseError } from "./errors.ts";
import { checkName, checkValue, classOf, isPlainObject, type Owns, type Value } from "./value.ts";

/** Field names from the outside in; a string alone is one name, never split at dots. */
export type Path = string | readonly string[];

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
export const lt: Compare = compare("lt");
export const lte: Compare = compare("lte");
export const gt: Compare = compare("gt");
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
export function not(filter: Filter): Filter {
  return { op: "not", filter };
}

/** @throws INVALID_QUERY */
export function checkFilter(filter: Filter, owns?: Owns): Filter {
  let nodes = 0;
  const check = (node: unknown, depth: number): void => {
    nodes += 1;
    if (depth > MAX_FILTER_DEPTH || nodes > MAX_FILTER_NODES) {
      throw invalidQuery(`a filter of at most ${MAX_FILTER_NODES} conditions, ${MAX_FILTER_DEPTH} deep`, node);
    }
    if (!isPlainObject(node)) throw invalidQuery("a filter", node);
    switch (node.op) {
      case "and":
      case "or":
        if (!Array.isArray(node.filters)) throw invalidQuery(`an array of filters in "${node.op}"`, node.filters);
        for (const child of node.filters) check(child, depth + 1);
        return;
      case "not":
        check(node.filter, depth + 1);
        return;
      case "in":
        checkPath(node.path);
        if (!Array.isArray(node.values)) throw invalidQuery('an array of values in "in"', undefined);
        checkOperand(node.values, owns);
        return;
      case "lt":
      case "lte":
      case "gt":
      case "gte":
        checkPath(node.path);
        if (!["boolean", "number", "string", "date"].includes(classOf(node.value))) {
          throw invalidQuery(`a boolean, number, string or date in "${node.op}"`, node.value);
        }
        checkOperand(node.value, owns);
        return;
      case "eq":
      case "ne":
      case "contains":
        checkPath(node.path);
        checkOperand(node.value, owns);
        return;
      default:
        throw invalidQuery('a filter with "op" eq, ne, lt, lte, gt, gte, in, contains, and, or or not', node.op);
    }
  };
  check(filter, 1);
  return filter;
}

/** @throws INVALID_QUERY */
export function checkPath(path: unknown): readonly string[] {
  if (
    !Array.isArray(path) ||
    path.length === 0 ||
    path.length > MAX_PATH_LENGTH ||
    !path.every((name) => typeof name === "string")
  ) {
    throw invalidQuery(`a path of 1..${MAX_PATH_LENGTH} field names`, path);
  }
  for (const name of path as string[]) asQueryError(() => checkName(name, []));
  return path as string[];
}

function checkOperand(value: unknown, owns: Owns): void {
  asQueryError(() => checkValue(value, [], owns));
}

function asQueryError(check: () => void): void {
  try {
    check();
  } catch (error) {
    if (!isDatabaseError(error) || error.code !== "VALIDATION_FAILED") throw error;
    throw invalidQuery(error.facts.issues[0]?.expected ?? "a portable value", undefined);
  }
}
