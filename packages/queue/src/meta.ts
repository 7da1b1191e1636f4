import { randomInt } from "node:crypto";
import { crc32 } from "node:zlib";
import { DatabaseErrorOf } from "@db/core";
import type { Seed } from "./hash.ts";

/** What a queue knows about itself, stored with it. */
export interface Meta {
  readonly seed: Seed;
  /** At least the number that the next entry gets; after a crash the entries themselves may say a higher one. */
  readonly nextSeq: number;
  /** When replay was last under way, to the hour, ms since 1970; 0 after an orderly end. */
  readonly replayedAt: number;
  /** What processes before may have sent and not have noted; kept until the last such entry is gone. */
  readonly unsure: Unsure | undefined;
}

/** Which entries a crash in the middle of a replay leaves in doubt. Times are ms since 1970. */
export interface Unsure {
  /** Those with a lower number, … */
  readonly belowSeq: number;
  /** … that were queued before this time: what came later was never sent. */
  readonly queuedBefore: number;
  /** From when on they may have been applied. */
  readonly since: number;
}

/** How exactly the time of the last replay is known after a crash. */
export const REPLAYED_AT_MS = 3_600_000;
export const DAMAGED_META = "what the queue knows about itself is not what was written";
const LIMIT = 2 ** 31;

export function newMeta(): Meta {
  return { seed: [randomInt(LIMIT), randomInt(LIMIT)], nextSeq: 1, replayedAt: 0, unsure: undefined };
}

/**
 * What is in doubt once the queue is open again.
 * @param oldestSeq of the entries that are there
 * @param ahead when the last of them was queued, where that is yet to come: by a clock that has been set back since
 */
export function unsureAfter(
  { replayedAt, unsure }: Meta,
  oldestSeq: number | undefined,
  nextSeq: number,
  ahead = 0,
): Unsure | undefined {
  if (oldestSeq === undefined) return undefined;
  const left = unsure !== undefined && oldestSeq < unsure.belowSeq ? unsure : undefined;
  if (replayedAt === 0) return left;
  return {
    belowSeq: nextSeq,
    queuedBefore: Math.max(left?.queuedBefore ?? 0, replayedAt + REPLAYED_AT_MS, ahead + 1),
    since: Math.min(left?.since ?? replayedAt, replayedAt),
  };
}

/** From when on an entry may have been applied by a process before; undefined where none has sent it. */
export function unsureSince({ unsure }: Meta, seq: number, queuedAt: number): number | undefined {
  if (unsure === undefined || seq >= unsure.belowSeq || queuedAt >= unsure.queuedBefore) return undefined;
  return Math.max(unsure.since, queuedAt);
}

/** With a checksum: another seed would find no record again. */
export function formatMeta({ seed, nextSeq, replayedAt, unsure }: Meta): string {
  const known = { seed, nextSeq, replayedAt, unsure };
  return JSON.stringify({ ...known, crc: crc32(JSON.stringify(known)) });
}

/** Undefined where it is not what `formatMeta` made. The first files have no checksum. */
export function parseMeta(text: string): Meta | undefined {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { crc, ...known } = (found ?? {}) as Partial<Record<keyof Meta | "crc", unknown>>;
  if (crc !== undefined && crc !== crc32(JSON.stringify(known))) return undefined;
  const { seed, nextSeq, replayedAt, unsure } = known;
  if (!Array.isArray(seed) || !isNumber(seed[0]) || !isNumber(seed[1])) return undefined;
  if (!isNumber(nextSeq) || !isNumber(replayedAt)) return undefined;
  return { seed: [seed[0], seed[1]], nextSeq, replayedAt, unsure: parseUnsure(unsure) };
}

/** Not for `quarantine`: the entries are sound, and another version may read them. */
export function damagedMeta(path: string): DatabaseErrorOf<"STORAGE_DAMAGED"> {
  const found = [DAMAGED_META];
  return new DatabaseErrorOf("STORAGE_DAMAGED", `${path} is damaged (${found[0]}). Nothing was changed`, {
    path,
    found,
  });
}

function parseUnsure(found: unknown): Unsure | undefined {
  const { belowSeq, queuedBefore, since } = (found ?? {}) as Partial<Record<keyof Unsure, unknown>>;
  return isNumber(belowSeq) && isNumber(queuedBefore) && isNumber(since)
    ? { belowSeq, queuedBefore, since }
    : undefined;
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}
