import type { Filter } from "./filter.ts";
import { comparePositions, positionOf, RANK, valueAt } from "./order.ts";
import { equalValues } from "./value.ts";

/** The exact meaning of a filter, on a row in memory: what every driver's translation has to agree with. */
export function matchesFilter(row: unknown, filter: Filter): boolean {
  switch (filter.op) {
    case "and":
      return filter.filters.every((child) => matchesFilter(row, child));
    case "or":
      return filter.filters.some((child) => matchesFilter(row, child));
    case "not":
      return !matchesFilter(row, filter.filter);
    case "in":
      return filter.values.some((value) => isEqual(valueAt(row, filter.path), value));
    case "eq":
      return isEqual(valueAt(row, filter.path), filter.value);
    case "ne":
      return !isEqual(valueAt(row, filter.path), filter.value);
    case "contains":
      return hasWithin(valueAt(row, filter.path), filter.value);
    default: {
      const [found, wanted] = [positionOf(valueAt(row, filter.path)), positionOf(filter.value)];
      if (found.rank !== wanted.rank || found.rank === RANK.other || found.rank === RANK.nothing) return false;
      const sign = comparePositions(found, wanted);
      if (sign === 0) return filter.op === "lte" || filter.op === "gte";
      return sign < 0 ? filter.op === "lt" || filter.op === "lte" : filter.op === "gt" || filter.op === "gte";
    }
  }
}

/** `null` stands for missing as well. */
export function isEqual(found: unknown, wanted: unknown): boolean {
  return wanted === null ? found === null || found === undefined : equalValues(found, wanted);
}

function hasWithin(found: unknown, wanted: unknown): boolean {
  if (typeof found === "string") return typeof wanted === "string" && found.includes(wanted);
  return Array.isArray(found) && found.some((item) => equalValues(item, wanted));
}
