import { type Effect, withEffect } from "@db/core";
import { classify } from "./errors.ts";

/** What became of one statement of a text. */
export type Response =
  | { readonly success: true; readonly result: unknown }
  | { readonly success: false; readonly error: Error };

/** What the engine says of statements that failed because another one did. */
const AFTERMATH = /^The query was not executed due to a (?:failed|cancelled) transaction/;

/**
 * The results of a text, one a statement.
 * @throws what made it fail. In a failed BEGIN … COMMIT every statement fails: the true cause is the one that does not
 *   speak of the others.
 */
export function resultsOf(responses: readonly Response[], effect: Effect): readonly unknown[] {
  const failures = responses.filter((response) => !response.success);
  if (failures.length === 0) return responses.map((response) => (response.success ? response.result : undefined));
  const causes = failures.map(({ error }) => error);
  const cause = causes.find((error) => !AFTERMATH.test(error.message)) ?? causes[0];
  const error = classify(cause, { effect });
  throw failures.length === responses.length ? error : withEffect(error, effect);
}
