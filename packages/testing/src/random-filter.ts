import type { Filter } from "@db/core";

import { diversePaths } from "./diverse-rows.ts";
import { comparableValues, diverseValues } from "./diverse-values.ts";

/** The same numbers for the same seed (mulberry32): a mismatch is found again by the next run. */
export function seededRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** A filter of up to `depth` levels over the rows above. */
export function randomFilter(random: (below: number) => number, depth: number): Filter {
  const pick = <T>(items: readonly T[]): T => items[random(items.length)] as T;
  const path = [pick(diversePaths)].flat();
  switch (random(depth > 0 ? 9 : 5)) {
    case 0:
      return { op: "in", path, values: Array.from({ length: random(5) }, () => pick(diverseValues)) };
    case 1:
      return { op: pick(["eq", "ne"]), path, value: pick(diverseValues) };
    case 2:
      return { op: "contains", path, value: pick(diverseValues) };
    case 3:
    case 4:
      return { op: pick(["lt", "lte", "gt", "gte"]), path, value: pick(comparableValues) };
    case 5:
      return { op: "not", filter: randomFilter(random, depth - 1) };
    default:
      return {
        op: pick(["and", "or"]),
        filters: Array.from({ length: random(4) }, () => randomFilter(random, depth - 1)),
      };
  }
}
