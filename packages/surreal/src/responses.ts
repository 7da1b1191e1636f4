import { type DatabaseError, DatabaseErrorOf, type Effect } from "@db/core";
import { classify } from "./errors.ts";

/** What became of one statement of a text. */
export type Response =
  | { readonly success: true; readonly result: unknown }
  | { readonly success: false; readonly error: Error };

/** What the engine says of statements that failed because another one did. */
const AFTERMATH = /^The query was not executed due to a (?:failed|cancelled) transaction/;

/** The engine answers it as well, with nothing. */
const BEGIN = /^\s*BEGIN\b/i;

/**
 * The results of a text, one a statement.
 * @throws what made it fail, and which statement it was. In a failed BEGIN … COMMIT every statement fails: the true cause is
 *   the one that does not speak of the others.
 */
export function resultsOf(text: string, responses: readonly Response[], effect: Effect): readonly unknown[] {
  const failures = responses.filter((response) => !response.success);
  const causes = failures.filter(({ error }) => !AFTERMATH.test(error.message));
  const cause = causes[0] ?? failures[0];
  if (cause === undefined) return responses.map((response) => (response.success ? response.result : undefined));
  const errors = causes.map(({ error }) => classify(error, { effect }));
  const error = errors[0] ?? classify(cause.error, { effect });
  if (responses.length === 1) throw error;
  const [first, ...others] = responses;
  const done = first?.success === true && BEGIN.test(text) ? others : responses;
  const isUndone = done.every(({ success }) => !success) && errors.every((one) => one.effect === "none");
  throw placed(error, responses.indexOf(cause) + 1, isUndone ? "none" : effect);
}

/** Statements count from 1, as the server answers them. */
function placed({ code, message, facts, retryable, cause }: DatabaseError, position: number, effect: Effect): Error {
  return new DatabaseErrorOf(code, `${message} (statement ${position})`, facts, { retryable, effect, cause });
}
