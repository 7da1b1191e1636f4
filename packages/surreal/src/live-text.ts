import type { LiveQuery } from "@db/core";
import { SURREAL_3 } from "./dialect.ts";
import { filterText } from "./filter-text.ts";
import type { Statement } from "./find-text.ts";
import { identifier, Parameters } from "./identifier.ts";

/** The name of the column that tells when a change was made: with NUL in it, which no field has. */
export const STAMP = "\0at";

/**
 * For SurrealDB 3: version 2 tells a deletion without its time, and is silent where the filter has parameters.
 * Each notification carries its time in nanoseconds, for they do not arrive in order. A filter is asked of the row before
 * the change and after it; for a row that is not there it is not asked.
 */
export function liveText({ collection, where }: LiveQuery): Statement {
  const parameters = new Parameters(SURREAL_3);
  const text = `LIVE SELECT *, time::nano(time::now()) AS \`\\u{0}at\` FROM ${identifier(collection)}`;
  if (where === undefined) return { text, values: {} };
  const sides = `SELECT VALUE ${filterText(where, parameters)} FROM [$before, $after] WHERE $this != NONE`;
  return { text: `${text} WHERE true IN (${sides})`, values: parameters.values };
}

/** What a create would define by itself. */
export function defineTableText(collection: string): Statement {
  return {
    text: `DEFINE TABLE IF NOT EXISTS ${identifier(collection)} TYPE ANY SCHEMALESS PERMISSIONS NONE`,
    values: {},
  };
}
