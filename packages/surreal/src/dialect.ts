import type { Statement } from "./find-text.ts";

/** The types that statements ask for. */
type Type = "array" | "bool" | "datetime" | "decimal" | "none" | "number" | "object" | "string";

/**
 * The words of SurrealQL that differ between versions, as far as our statements need them. A connection knows its server's;
 * what is passed in is text of ours: names of parameters, and expressions made of them.
 */
export interface Dialect {
  /** Whether a value has a type. */
  is(type: Type, value: string): string;
  /** What is at a path of a row, by the parameters that hold its names; nothing is found through arrays, links or scalars. */
  path(names: readonly string[]): string;
  /** A change of at most one record, and what it answers; NONE where it changed none. */
  one(verb: "CREATE" | "DELETE" | "UPDATE", rest: string): string;
  /** The rank of a value by the name of its type, from a parameter that holds ranks by name; `other` for the rest. */
  rank(value: string, ranks: string, other: number): string;
  /** An object with the fields of another in place of its own. */
  extend(object: string, by: string): string;
  /** An object without the fields that a parameter names. */
  remove(object: string, names: string): string;
  /** The records of a table whose keys lie in a range. */
  range(table: string, keys: string): string;
  duration(milliseconds: string): string;
  /** A column whose name no field has. */
  column(name: string): string;
  /** The row without such columns, whose names a parameter holds as they come back. */
  row(columns: string): string;
  /** What stands before the name of such a column as it comes back. */
  readonly columnPrefix: string;
}

/** A statement, or one that is written once it is known to which server it goes. */
export type Wording = Statement | ((dialect: Dialect) => Statement);

export function wordedIn(dialect: Dialect, wording: Wording): Statement {
  return typeof wording === "function" ? wording(dialect) : wording;
}

/** SurrealDB 3.0.2 and its patches, and the embedded engine. */
export const SURREAL_3: Dialect = {
  is: (type, value) => `type::is_${type}(${value})`,
  path: (names) => `$this${names.map((name) => `[${name}]`).join("")}`,
  one: (verb, rest) => `${verb} ONLY ${rest}`,
  rank: (value, ranks, other) => `(${ranks}[type::of(${value})] ?? ${other})`,
  extend: (object, by) => `object::extend(${object}, ${by})`,
  remove: (object, names) => `object::remove(${object}, ${names})`,
  range: (table, keys) => `type::record(${table}, ${keys})`,
  duration: (milliseconds) => `duration::from_millis(${milliseconds})`,
  column: (name) => `\`\\u{0}${name}\``,
  // Engine 3.0.2 puts the columns into `$this` as well.
  row: (columns) => `object::remove($this, ${columns})`,
  columnPrefix: "\0",
};

/** Types with the name by which ranks know them: one of those that `type::of` gives. */
const RANKED: readonly (readonly [type: Type, name: string])[] = [
  ["bool", "bool"],
  ["number", "int"],
  ["datetime", "datetime"],
  ["string", "string"],
];

/** The rank of a value where the name of its type cannot be had, or ranks not be looked up by it. */
function rankBy(is: Dialect["is"], ...[value, ranks, other]: Parameters<Dialect["rank"]>): string {
  const known = RANKED.map(([type, name]) => `ELSE IF ${is(type, value)} { ${ranks}['${name}'] }`).join(" ");
  return `(IF ${value} == NONE OR ${value} == NULL { ${ranks}['none'] } ${known} ELSE { ${other} })`;
}

/**
 * SurrealDB 2. ONLY is an error there where nothing comes back; a path would go through links; objects have no functions
 * to change them; and no text may hold NUL, so the names of columns have the next character.
 */
export const SURREAL_2: Dialect = {
  is: (type, value) => `type::is::${type}(${value})`,
  path: (names) => {
    const whole = SURREAL_3.path(names);
    const outer = names.slice(1).map((_, index) => SURREAL_3.path(names.slice(0, index + 1)));
    const links = outer.map((value) => `type::is::record(${value})`);
    return links.length === 0 ? whole : `(IF ${links.join(" OR ")} { NONE } ELSE { ${whole} })`;
  },
  one: (verb, rest) => `(${verb} ${rest})[0]`,
  rank: (...asked) => rankBy(SURREAL_2.is, ...asked),
  extend: (object, by) => `object::from_entries(array::concat(object::entries(${object}), object::entries(${by})))`,
  remove: (object, names) =>
    `object::from_entries((SELECT VALUE $this FROM object::entries(${object}) WHERE $this[0] NOT IN ${names}))`,
  range: (table, keys) => `type::thing(${table}, ${keys})`,
  duration: (milliseconds) => `duration::from::millis(${milliseconds})`,
  column: (name) => `\`\u0001${name}\``,
  row: () => "$this",
  columnPrefix: "\u0001",
};

/**
 * Every other SurrealDB 3: 3.0.1, and an engine that calls itself 3.1.0, refuse ONLY where nothing comes back, as version 2
 * does, and find nothing in an object by what a function answers. What works on all is not said to all, for a create or
 * update takes a tenth longer by it.
 */
export const SURREAL_3_OTHER: Dialect = {
  ...SURREAL_3,
  one: SURREAL_2.one,
  rank: (...asked) => rankBy(SURREAL_3.is, ...asked),
};
