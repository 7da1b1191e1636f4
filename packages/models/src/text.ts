import { checkKeys } from "@db/core";
import * as v from "valibot";
import { rule } from "./rule.ts";

/** What `text` takes. */
export interface TextOptions {
  /** Characters as people count them: graphemes. Default 0. */
  readonly min?: number;
  readonly max: number;
}

/**
 * One character can be a letter with a thousand accents, so the size is bounded too: UTF-16 units for each character
 * that is allowed. Twice the longest emoji that Unicode recommends (15, a kiss of two people with skin tones).
 */
const UNITS_PER_CHARACTER = 32;

/**
 * Text of `min` to `max` characters as people count them: an emoji of seven code points is one, and so is a letter with
 * its accent. It is well-formed Unicode, without lone surrogates, and takes at most 32 × `max` UTF-16 units.
 * @throws TypeError for options that are wrong
 */
export function text(options: TextOptions): v.GenericSchema<string> {
  checkKeys("text", options, ["min", "max"]);
  const { min = 0, max } = options;
  if (!Number.isSafeInteger(min) || !Number.isSafeInteger(max) || min < 0 || max < min) {
    throw new TypeError(`text: expected whole numbers 0 <= min <= max, got ${min} and ${max}`);
  }
  return v.pipe(
    v.string(),
    rule("min_length", `at least ${characters(min)}`, (value: string) => count(value, min) >= min),
    rule(
      "max_length",
      `at most ${characters(max)}`,
      (value: string) => value.length <= max * UNITS_PER_CHARACTER && count(value, max) <= max,
    ),
    rule("unicode", "well-formed Unicode, without lone surrogates", (value: string) => value.isWellFormed()),
  );
}

function characters(count: number): string {
  return `${count} ${count === 1 ? "character" : "characters"}`;
}

let segmenter: Intl.Segmenter | undefined;

/** Graphemes; stops counting when there are more than `enough`. */
function count(value: string, enough: number): number {
  // Plain text needs no segmenting: without CR there is no CR LF, the one pair that is one.
  if (/^[\n\x20-\x7e]*$/.test(value)) return value.length;
  segmenter ??= new Intl.Segmenter("und", { granularity: "grapheme" });
  let found = 0;
  for (const _ of segmenter.segment(value)) {
    found += 1;
    if (found > enough) break;
  }
  return found;
}
