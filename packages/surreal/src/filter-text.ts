import { classOf, type Filter, invalid, type Value } from "@db/core";
import type { Parameters } from "./identifier.ts";

/** Above this many a chain of AND or OR is written as one call: engine 3.0.2 crashes on a chain of 800. */
const LONG_CHAIN = 100;
const TYPE: { readonly [name: string]: "bool" | "datetime" | "number" | "string" } = {
  boolean: "bool",
  number: "number",
  string: "string",
  date: "datetime",
};
const OPERATOR = { lt: "<", lte: "<=", gt: ">", gte: ">=" } as const;

/** A filter as the condition of a WHERE. */
export function filterText(filter: Filter, parameters: Parameters): string {
  switch (filter.op) {
    case "and":
      return all(filter.filters.map((child) => filterText(child, parameters)));
    case "or":
      return any(filter.filters.map((child) => filterText(child, parameters)));
    case "not":
      return `!(${filterText(filter.filter, parameters)})`;
    case "in":
      return `(${subject(filter.path, parameters)} ?? NULL) IN ${parameters.bind(filter.values)}`;
    case "eq":
    case "ne": {
      const operator = filter.op === "eq" ? "==" : "!=";
      return `(${subject(filter.path, parameters)} ?? NULL) ${operator} ${parameters.bind(filter.value)}`;
    }
    case "contains":
      return containsText(subject(filter.path, parameters), filter.value, parameters);
    default: {
      const found = subject(filter.path, parameters);
      const type = TYPE[classOf(filter.value)];
      if (type === undefined)
        throw invalid(["where"], "comparable", "a comparison with a boolean, number, string or date");
      return `(${parameters.dialect.is(type, found)} AND ${found} ${OPERATOR[filter.op]} ${parameters.bind(filter.value)})`;
    }
  }
}

export function all(terms: readonly string[]): string {
  if (terms.length === 0) return "true";
  return terms.length <= LONG_CHAIN ? `(${terms.join(" AND ")})` : `array::all([${terms.join(", ")}])`;
}

export function any(terms: readonly string[]): string {
  if (terms.length === 0) return "false";
  return terms.length <= LONG_CHAIN ? `(${terms.join(" OR ")})` : `array::any([${terms.join(", ")}])`;
}

/** The id of a row is compared as the text that callers know it by. */
function subject(path: readonly string[], parameters: Parameters): string {
  return path.length === 1 && path[0] === "id"
    ? "(record::tb(id) + ':' + type::string(record::id(id)))"
    : parameters.path(path);
}

function containsText(found: string, value: Value, parameters: Parameters): string {
  const { dialect } = parameters;
  const wanted = parameters.bind(value);
  const inArray = `(${dialect.is("array", found)} AND ${found} CONTAINS ${wanted})`;
  if (typeof value !== "string") return inArray;
  return `(${inArray} OR (${dialect.is("string", found)} AND string::contains(${found}, ${wanted})))`;
}
