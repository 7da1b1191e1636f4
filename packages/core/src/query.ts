import { type Cursor, decodeCursor } from "./cursor.ts";
import { DatabaseErrorOf, isDatabaseError } from "./errors.ts";
import { describe } from "./options.ts";
import {
  checkCollection,
  checkName,
  checkValue,
  classOf,
  isPlainObject,
  type Owns,
  type Row,
  type Value,
} from "./value.ts";

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

export type Direction = "asc" | "desc";

export interface Query {
  readonly where?: Filter;
  /**
   * Missing and null first, then booleans, numbers, dates, strings by code point; all else last and tied. The id is
   * always the last key.
   */
  readonly order?: readonly (readonly [Path, Direction])[];
  /** Rows of a page, 1..10,000. Default 100, so that no call reads a collection into memory by accident. */
  readonly limit?: number;
  /** `next` of the page before. Bound to the collection, filter and order it came from. */
  readonly after?: string;
}

export interface Page {
  readonly items: readonly Row[];
  /** The cursor of the next page; null where there is none. */
  readonly next: string | null;
}

export interface OrderKey {
  readonly path: readonly string[];
  readonly direction: Direction;
}

/** A query as a driver gets it: checked, complete, the cursor decoded. The last order key is the id. */
export interface PlannedQuery {
  readonly where: Filter | undefined;
  readonly order: readonly OrderKey[];
  readonly limit: number;
  readonly after: Cursor | undefined;
}

export const DEFAULT_LIMIT = 100;
export const MAX_LIMIT = 10_000;
const MAX_ORDER = 8;
/** Some parsers give up at 20 nested terms, of which a driver needs a few for itself. */
const MAX_FILTER_DEPTH = 12;
const MAX_PATH_LENGTH = 32;
const MAX_FILTER_NODES = 1_000;

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

/**
 * Checks a query and fills in its defaults.
 * @throws INVALID_QUERY naming what was expected and what came; also for a cursor of another query
 */
export function planQuery(collection: string, query: Query = {}, owns?: Owns): PlannedQuery {
  checkCollection(collection);
  if (classOf(query) !== "object") throw wrong("a query object", query);
  for (const key of Object.keys(query)) {
    if (!["where", "order", "limit", "after"].includes(key))
      throw wrong(`where, order, limit or after, not "${key}"`, query);
  }
  const where = query.where === undefined ? undefined : checkFilter(query.where, owns);
  const order = checkOrder(query.order === undefined ? [] : query.order);
  const limit = query.limit === undefined ? DEFAULT_LIMIT : query.limit;
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT)
    throw wrong(`limit to be an integer in 1..${MAX_LIMIT}`, limit);
  const after = query.after === undefined ? undefined : decodeCursor({ collection, where, order }, query.after);
  return { where, order, limit, after };
}

/** @throws INVALID_QUERY */
export function checkFilter(filter: Filter, owns?: Owns): Filter {
  let nodes = 0;
  const check = (node: unknown, depth: number): void => {
    nodes += 1;
    if (depth > MAX_FILTER_DEPTH || nodes > MAX_FILTER_NODES) {
      throw wrong(`a filter of at most ${MAX_FILTER_NODES} conditions, ${MAX_FILTER_DEPTH} deep`, node);
    }
    if (!isPlainObject(node)) throw wrong("a filter", node);
    switch (node.op) {
      case "and":
      case "or":
        if (!Array.isArray(node.filters)) throw wrong(`an array of filters in "${node.op}"`, node.filters);
        for (const child of node.filters) check(child, depth + 1);
        return;
      case "not":
        check(node.filter, depth + 1);
        return;
      case "in":
        checkPath(node.path);
        if (!Array.isArray(node.values)) throw wrong('an array of values in "in"', undefined);
        checkOperand(node.values, owns);
        return;
      case "lt":
      case "lte":
      case "gt":
      case "gte":
        checkPath(node.path);
        if (!["boolean", "number", "string", "date"].includes(classOf(node.value))) {
          throw wrong(`a boolean, number, string or date in "${node.op}"`, node.value);
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
        throw wrong('a filter with "op" eq, ne, lt, lte, gt, gte, in, contains, and, or or not', node.op);
    }
  };
  check(filter, 1);
  return filter;
}

function checkOrder(order: unknown): readonly OrderKey[] {
  if (!Array.isArray(order) || order.length > MAX_ORDER)
    throw wrong(`order to be an array of at most ${MAX_ORDER} pairs`, order);
  const keys = order.map((pair: unknown): OrderKey => {
    if (!Array.isArray(pair) || pair.length !== 2) throw wrong('order to have pairs like ["createdAt", "desc"]', pair);
    const [path, direction] = pair as [unknown, unknown];
    if (direction !== "asc" && direction !== "desc") throw wrong('a direction "asc" or "desc"', direction);
    return { path: checkPath(typeof path === "string" ? [path] : path), direction };
  });
  const end = keys.findIndex(isIdKey);
  return end < 0 ? [...keys, { path: ["id"], direction: "asc" }] : keys.slice(0, end + 1);
}

function isIdKey(key: OrderKey): boolean {
  return key.path.length === 1 && key.path[0] === "id";
}

function checkPath(path: unknown): readonly string[] {
  if (
    !Array.isArray(path) ||
    path.length === 0 ||
    path.length > MAX_PATH_LENGTH ||
    !path.every((name) => typeof name === "string")
  ) {
    throw wrong(`a path of 1..${MAX_PATH_LENGTH} field names`, path);
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
    throw wrong(error.facts.issues[0]?.expected ?? "a portable value", undefined);
  }
}

function wrong(expected: string, got: unknown): DatabaseErrorOf<"INVALID_QUERY"> {
  const message = got === undefined ? `expected ${expected}` : `expected ${expected}, got ${describe(got)}`;
  return new DatabaseErrorOf("INVALID_QUERY", message, { expected });
}
