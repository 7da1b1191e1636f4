import type { Attributes } from "@opentelemetry/api";
import { ERROR_TYPE } from "./names.ts";

/** What stands for all values that are too many. */
const OTHER = "_other";

export type LabelValue = string | number | undefined;

export interface SeriesOptions {
  /** Of the attributes, in the order of their values. */
  readonly names: readonly string[];
  /** How many series there are at most; one more for what does not fit. */
  readonly limit: number;
  /** Attributes that take as many values as the application likes: these are given up first. */
  readonly crowded?: readonly string[];
}

/** A label longer than this helps nobody. */
const MAX_LABEL_LENGTH = 255;

interface Branch extends Map<LabelValue, Branch | Attributes> {}

/**
 * The series of one instrument, bounded: the SDK's own limit counts per collection, so that under a cumulative reader the
 * series grow without end. Once the room is used up, a new combination loses its crowded attributes, and where that does
 * not suffice all of them, but whether it failed: counts of calls and of failures stay exact. Every combination has one
 * attributes object for ever.
 */
export class SeriesTable {
  readonly limit: number;
  /** How often something was recorded under `_other`. */
  overflowed = 0;
  readonly #names: readonly string[];
  readonly #crowded: readonly boolean[];
  readonly #errorAt: number;
  /** Up to here combinations are taken as they are, and the rest is for those without their crowded attributes. */
  readonly #openLimit: number;
  readonly #root: Branch = new Map();
  readonly #rest = new Map<boolean, Attributes>();
  #size = 0;

  constructor({ names, limit, crowded = [] }: SeriesOptions) {
    this.limit = limit;
    this.#names = names;
    this.#crowded = names.map((name) => crowded.includes(name));
    this.#errorAt = names.indexOf(ERROR_TYPE);
    this.#openLimit = this.#fullLimit - (crowded.length > 0 ? Math.floor(limit / 4) : 0);
  }

  get size(): number {
    return this.#size + this.#rest.size;
  }

  attributesOf(values: readonly LabelValue[]): Attributes {
    return this.#find(values) ?? (this.#size < this.#openLimit ? this.#admit(values) : this.#collapse(values));
  }

  /** Of failures and successes one each is kept free. */
  get #fullLimit(): number {
    return this.#errorAt < 0 ? this.limit : this.limit - 1;
  }

  #find(values: readonly LabelValue[]): Attributes | undefined {
    let branch: Branch | Attributes | undefined = this.#root;
    for (const value of values) {
      branch = (branch as Branch).get(value);
      if (branch === undefined) return undefined;
    }
    return branch as Attributes;
  }

  #admit(values: readonly LabelValue[]): Attributes {
    const attributes: Attributes = {};
    for (const [index, name] of this.#names.entries()) {
      const value = values[index];
      if (value !== undefined) attributes[name] = typeof value === "string" ? value.slice(0, MAX_LABEL_LENGTH) : value;
    }
    let branch = this.#root;
    for (const value of values.slice(0, -1)) {
      let next = branch.get(value) as Branch | undefined;
      if (next === undefined) {
        next = new Map();
        branch.set(value, next);
      }
      branch = next;
    }
    branch.set(values.at(-1), Object.freeze(attributes));
    this.#size += 1;
    return attributes;
  }

  #collapse(values: readonly LabelValue[]): Attributes {
    this.overflowed += 1;
    const known = values.map((value, index) => (value !== undefined && this.#crowded[index] === true ? OTHER : value));
    return this.#find(known) ?? (this.#size < this.#fullLimit ? this.#admit(known) : this.#leftOver(values));
  }

  #leftOver(values: readonly LabelValue[]): Attributes {
    const failed = values[this.#errorAt] !== undefined;
    let attributes = this.#rest.get(failed);
    if (attributes === undefined) {
      attributes = Object.freeze(
        Object.fromEntries(
          this.#names.filter((_, index) => failed || index !== this.#errorAt).map((name) => [name, OTHER]),
        ),
      );
      this.#rest.set(failed, attributes);
    }
    return attributes;
  }
}
