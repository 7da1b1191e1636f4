import { isDatabaseError } from "@db/core";

/**
 * What a log line may tell of an error. The message of a `DatabaseError` is safe by contract, its cause's may quote
 * values: of that only the name and the place are told.
 */
export function errorFacts(error: unknown): object {
  if (isDatabaseError(error)) {
    const { code, message, effect, cause } = error;
    return { code, message, effect, ...(cause === undefined ? {} : { cause: nameAndPlace(cause) }) };
  }
  return error instanceof Error ? { ...nameAndPlace(error), message: error.message } : { name: typeof error };
}

function nameAndPlace(error: unknown): object {
  if (!(error instanceof Error)) return { name: typeof error };
  const frames = error.stack?.split("\n").filter((line) => /^\s+at /.test(line)) ?? [];
  return { name: error.name, stack: frames.slice(0, 10).map((line) => line.trim()) };
}
