import { classOf, compareText, getField } from "./value.ts";

/** Upwards or downwards. */
export type Direction = "asc" | "desc";

/** One key of an order, as a driver gets it. */
export interface OrderKey {
  readonly path: readonly string[];
  readonly direction: Direction;
}

/** Where a value stands in the order of types. */
export const RANK = { nothing: 0, boolean: 1, number: 2, date: 3, string: 4, other: 5 } as const;
/** One of `RANK`. */
export type Rank = (typeof RANK)[keyof typeof RANK];

/** A value as the order sees it: its type's rank, and itself where values of that rank are told apart. */
export interface Position {
  readonly rank: Rank;
  readonly value: null | boolean | number | bigint | Date | string;
}

export function positionOf(value: unknown): Position {
  if (value === undefined) return { rank: RANK.nothing, value: null };
  switch (classOf(value)) {
    case "null":
      return { rank: RANK.nothing, value: null };
    case "boolean":
      return { rank: RANK.boolean, value: value as boolean };
    case "number":
      return { rank: RANK.number, value: value as number | bigint };
    case "date":
      return { rank: RANK.date, value: value as Date };
    case "string":
      return { rank: RANK.string, value: value as string };
    default:
      return { rank: RANK.other, value: null };
  }
}

/** What is at the path, through own fields of plain objects only; undefined where there is nothing. */
export function valueAt(row: unknown, path: readonly string[]): unknown {
  return path.reduce(getField, row);
}

export function comparePositions(a: Position, b: Position): number {
  if (a.rank !== b.rank) return a.rank - b.rank;
  switch (a.rank) {
    case RANK.nothing:
    case RANK.other:
      return 0;
    case RANK.string:
      return compareText(a.value as string, b.value as string);
    default: {
      const x = a.value as number;
      const y = b.value as number;
      return x < y ? -1 : x > y ? 1 : 0;
    }
  }
}

/** The positions of a row under an order; compare them with `comparePositionLists`. */
export function positionsOf(row: unknown, order: readonly OrderKey[]): readonly Position[] {
  return order.map((key) => positionOf(valueAt(row, key.path)));
}

export function comparePositionLists(
  a: readonly Position[],
  b: readonly Position[],
  order: readonly OrderKey[],
): number {
  for (const [index, key] of order.entries()) {
    const [x, y] = [a[index], b[index]];
    const sign = x === undefined || y === undefined ? 0 : comparePositions(x, y);
    if (sign !== 0) return key.direction === "asc" ? sign : -sign;
  }
  return 0;
}
