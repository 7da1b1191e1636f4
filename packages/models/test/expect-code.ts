import { type DatabaseErrorOf, type ErrorCode, type Issue, isDatabaseError } from "@db/core";
import { expect } from "vitest";

/** The error that `run` throws or rejects with, which has to be of this code. */
export async function errorOf<C extends ErrorCode>(code: C, run: () => unknown): Promise<DatabaseErrorOf<C>> {
  const thrown: unknown = await (async () => run())().then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(isDatabaseError(thrown) ? thrown.code : thrown).toBe(code);
  return thrown as DatabaseErrorOf<C>;
}

export async function issuesOf(run: () => unknown): Promise<readonly Issue[]> {
  return (await errorOf("VALIDATION_FAILED", run)).facts.issues;
}
