import { createHash } from "node:crypto";
import { DatabaseErrorOf } from "./errors.ts";
import type { Filter } from "./filter.ts";
import { type OrderKey, type Position, positionsOf, RANK } from "./order.ts";
import { parseRecordId } from "./record-id.ts";
import { classOf, type Row } from "./value.ts";

/** Where a page ended: the positions of its last row under the order; the last of them is the id's. */
export type Cursor = readonly Position[];

/** What a cursor is bound to. */
export interface CursorScope {
  readonly collection: string;
  readonly where: Filter | undefined;
  readonly order: readonly OrderKey[];
}

const VERSION = 1;
const MAX_DATE_MS = 8.64e15;
const EXPECTED = "the `next` of a page of this very query (same collection, filter and order)";

/** The opaque text that `next` holds. */
export function encodeCursor(scope: CursorScope, lastRow: Row): string {
  const cursor = positionsOf(lastRow, scope.order);
  const positions = cursor.map(({ rank, value }) => [rank, plain(value)]);
  return Buffer.from(JSON.stringify([VERSION, digest(scope, positions), positions])).toString("base64url");
}

/** @throws INVALID_QUERY for anything but a cursor of this scope */
export function decodeCursor(scope: CursorScope, text: unknown): Cursor {
  // No limit of length: a row may hold a long text in a field it is ordered by, and every step here is linear.
  if (typeof text !== "string" || !/^[\w-]+$/.test(text)) throw foreign();
  const parsed = parse(text);
  if (!Array.isArray(parsed) || parsed.length !== 3) throw foreign();
  const [version, mark, positions] = parsed as [unknown, unknown, unknown];
  if (version !== VERSION || !Array.isArray(positions) || positions.length !== scope.order.length) throw foreign();
  // Before the digest, which walks the positions: it may meet no nest of arrays deeper than the stack.
  const cursor = positions.map(revive);
  if (mark !== digest(scope, positions)) throw foreign();
  checkId(scope.collection, cursor.at(-1)?.value);
  return cursor;
}

function checkId(collection: string, id: unknown): void {
  try {
    parseRecordId(id, collection);
  } catch (cause) {
    throw foreign(cause);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, "base64url").toString());
  } catch (cause) {
    throw foreign(cause);
  }
}

function plain(value: Position["value"]): string | number | boolean | null {
  if (typeof value === "object" && value !== null) return value.getTime();
  return typeof value === "bigint" ? value.toString() : value;
}

/** The digest holds no secret, so a position is believed only in the exact shape that `plain` gives it. */
function revive(position: unknown): Position {
  const [rank, value] = Array.isArray(position) ? (position as [unknown, unknown]) : [];
  switch (rank) {
    case RANK.nothing:
    case RANK.other:
      if (value === null) return { rank, value };
      break;
    case RANK.boolean:
      if (typeof value === "boolean") return { rank, value };
      break;
    case RANK.number:
      // JSON has numbers beyond all that a double holds: 1e999 is read as Infinity.
      if (Number.isFinite(value)) return { rank, value: value as number };
      if (typeof value === "string" && /^-?\d{1,19}$/.test(value) && isInt64(BigInt(value)))
        return { rank, value: BigInt(value) };
      break;
    case RANK.date:
      if (typeof value === "number" && Math.abs(value) <= MAX_DATE_MS) return { rank, value: new Date(value) };
      break;
    case RANK.string:
      if (typeof value === "string" && value.isWellFormed()) return { rank, value };
      break;
    default:
  }
  throw foreign();
}

function isInt64(value: bigint): boolean {
  return BigInt.asIntN(64, value) === value;
}

function digest(scope: CursorScope, positions: unknown): string {
  const text = canonical([VERSION, scope.collection, scope.where ?? null, scope.order, positions]);
  return createHash("sha256").update(text).digest("base64url").slice(0, 22);
}

/** JSON with fields in one order, that tells bigints, dates and bytes from the strings that look like them. */
function canonical(value: unknown): string {
  switch (classOf(value)) {
    case "array":
      return `[${(value as readonly unknown[]).map(canonical).join(",")}]`;
    case "object":
      return `{${Object.entries(value as object)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`)
        .join(",")}}`;
    case "date":
      return `d${(value as Date).getTime()}`;
    case "bytes":
      return `x${Buffer.from(value as Uint8Array).toString("hex")}`;
    default:
      return typeof value === "bigint" ? `n${value}` : JSON.stringify(value);
  }
}

function foreign(cause?: unknown): DatabaseErrorOf<"INVALID_QUERY"> {
  const details = cause === undefined ? {} : { cause };
  return new DatabaseErrorOf("INVALID_QUERY", `expected the cursor to be ${EXPECTED}`, { expected: EXPECTED }, details);
}
