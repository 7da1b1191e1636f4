import { randomInt } from "node:crypto";
import type { Seed } from "./hash.ts";

/** What a queue knows about itself, stored with it. */
export interface Meta {
  readonly seed: Seed;
  /** Numbers of entries are never used twice, also when the queue was empty in between. */
  readonly nextSeq: number;
  /** When replay was last under way, to the hour, ms since 1970; 0 after an orderly end. */
  readonly replayedAt: number;
}

const LIMIT = 2 ** 31;

export function newMeta(): Meta {
  return { seed: [randomInt(LIMIT), randomInt(LIMIT)], nextSeq: 1, replayedAt: 0 };
}

export function formatMeta({ seed, nextSeq, replayedAt }: Meta): string {
  return JSON.stringify({ seed, nextSeq, replayedAt });
}

/** Undefined where it is not what `formatMeta` made. */
export function parseMeta(text: string): Meta | undefined {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { seed, nextSeq, replayedAt } = (found ?? {}) as Partial<Record<keyof Meta, unknown>>;
  if (!Array.isArray(seed) || !isNumber(seed[0]) || !isNumber(seed[1])) return undefined;
  if (!isNumber(nextSeq) || !isNumber(replayedAt)) return undefined;
  return { seed: [seed[0], seed[1]], nextSeq, replayedAt };
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}
