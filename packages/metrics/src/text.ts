import { sanitizeQuery } from "./sanitize.ts";
import { summarizeQuery } from "./summary.ts";

/** What may be shown of a query. */
export interface QueryText {
  readonly text: string;
  readonly summary: string | undefined;
}

/** What is longer is cut: nobody reads it, and every byte of it is looked at. */
const MAX_LENGTH = 8_192;
/** Programs have few texts; one that builds its own on the fly must not fill the memory. */
const MAX_TEXTS = 500;

const known = new Map<string, QueryText>();

/** Sanitised and summarised; once for each text, as long as there are not too many. */
export function textOf(query: string | undefined): QueryText | undefined {
  if (query === undefined) return undefined;
  const found = known.get(query);
  if (found !== undefined) return found;
  const text = query.length > MAX_LENGTH ? `${sanitizeQuery(query.slice(0, MAX_LENGTH))} …` : sanitizeQuery(query);
  const made: QueryText = { text, summary: summarizeQuery(text) };
  if (query.length <= MAX_LENGTH) {
    if (known.size >= MAX_TEXTS) known.clear();
    known.set(query, made);
  }
  return made;
}
