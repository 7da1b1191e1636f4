import type { Issue } from "@db/core";
import type { RuleRequirement } from "./rule.ts";
import type { StandardIssue } from "./standard-schema.ts";

/** What valibot's issues have beyond the standard's, and in part those of others. */
interface Detailed extends StandardIssue {
  readonly kind?: unknown;
  readonly type?: unknown;
  readonly code?: unknown;
  readonly input?: unknown;
  readonly expected?: unknown;
  readonly requirement?: unknown;
}

type Words = (requirement: unknown, input: unknown) => string;

/** What a schema takes, where its own name for it is none that people use. */
const TYPES: { readonly [type: string]: string } = {
  string: "a string",
  number: "a number",
  bigint: "an integer",
  boolean: "true or false",
  date: "a valid date",
  array: "an array",
  tuple: "an array",
  object: "an object",
  strict_object: "an object",
  loose_object: "an object",
  record: "an object",
  null: "null",
  never: "absent",
};

const OBJECTS = new Set(["object", "strict_object", "loose_object", "object_with_rest"]);
const CHOICES = new Set(["literal", "picklist", "enum", "variant"]);

const measure =
  (bound: string, unit?: string): Words =>
  (requirement, input) => {
    const one = String(requirement) === "1";
    const noun = unit ?? (Array.isArray(input) ? "item" : "character");
    return `${bound} ${String(requirement)} ${noun}${one ? "" : "s"}`;
  };
const bound =
  (words: string): Words =>
  (requirement) =>
    `${words} ${requirement instanceof Date ? requirement.toISOString() : String(requirement)}`;

/** Valibot's rules: the name that is ours, and its words. What is not here keeps valibot's name and notation. */
const RULES: { readonly [type: string]: readonly [rule: string, words: Words] } = {
  min_length: ["min_length", measure("at least")],
  max_length: ["max_length", measure("at most")],
  length: ["length", measure("exactly")],
  min_graphemes: ["min_length", measure("at least", "character")],
  max_graphemes: ["max_length", measure("at most", "character")],
  graphemes: ["length", measure("exactly", "character")],
  min_bytes: ["min_bytes", measure("at least", "byte")],
  max_bytes: ["max_bytes", measure("at most", "byte")],
  non_empty: ["min_length", () => "not empty"],
  min_value: ["min_value", bound("at least")],
  max_value: ["max_value", bound("at most")],
  gt_value: ["min_value", bound("more than")],
  lt_value: ["max_value", bound("less than")],
  multiple_of: ["multiple_of", bound("a multiple of")],
  integer: ["integer", () => "a whole number"],
  safe_integer: ["integer", () => "a whole number within ±(2⁵³ − 1)"],
  finite: ["finite", () => "a finite number"],
  regex: ["pattern", (pattern) => `text that matches ${String(pattern)}`],
  email: ["email", () => "an e-mail address"],
  url: ["url", () => "a URL"],
  uuid: ["uuid", () => "a UUID"],
  iso_date: ["iso_date", () => "a date like 2026-01-31"],
  iso_timestamp: ["iso_timestamp", () => "a time like 2026-01-31T12:00:00.000Z"],
};

/**
 * An issue in our words. Of what a validator says its name for the rule and for what it expected are used, never its
 * message: that may quote the value.
 */
export function toIssue(field: string, thrown: StandardIssue): Issue {
  const issue: Detailed = thrown;
  const path = [field, ...(issue.path ?? []).map(keyOf)];
  return { path, ...(issue.kind === "schema" ? ofSchema(issue, path.length > 1) : ofRule(issue)) };
}

function ofSchema({ type, input, expected }: Detailed, nested: boolean): Omit<Issue, "path"> {
  const name = String(type);
  // An object tells of its keys under its own name: one that is missing, one that it does not know.
  if (nested && OBJECTS.has(name) && expected === "never") return { rule: "unknown_field", expected: "absent" };
  if (nested && OBJECTS.has(name) && input === undefined) return { rule: "required", expected: "present" };
  if (CHOICES.has(name)) return { rule: "one_of", expected: `one of ${String(expected).replace(/^\(|\)$/g, "")}` };
  const words = TYPES[name] ?? `of type ${String(expected ?? name)}`;
  return { rule: input === undefined ? "required" : "type", expected: words };
}

function ofRule({ type, code, input, expected, requirement }: Detailed): Omit<Issue, "path"> {
  if (typeof type === "string" && Object.hasOwn(RULES, type)) {
    const [rule, words] = RULES[type] ?? [type, () => "valid"];
    return { rule, expected: words(requirement, input) };
  }
  // The names are that of `rule`, that of valibot, that of zod.
  const names = [type === "rule" ? (requirement as RuleRequirement<never>).name : type, code];
  const rule = names.find((name) => typeof name === "string" && /^[a-z][a-z0-9_]*$/.test(name));
  return {
    rule: typeof rule === "string" ? rule : "invalid",
    expected: typeof expected === "string" ? expected : "what its rule asks for",
  };
}

function keyOf(item: PropertyKey | { readonly key: PropertyKey }): string | number {
  const key: unknown = typeof item === "object" ? item.key : item;
  return typeof key === "number" ? key : shortName(String(key));
}

const MAX_NAME = 64;

/** A name that the input chose, at a length that can be told. */
export function shortName(name: string): string {
  return name.length <= MAX_NAME ? name : `${name.slice(0, MAX_NAME).replace(/[\ud800-\udbff]$/u, "")}…`;
}
