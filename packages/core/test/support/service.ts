import type { DatabaseError, DatabaseOptions, DatabaseService, DriverParts } from "../../src/index.ts";
import { createDatabase, defineDriver, ERROR_CODES, isDatabaseError } from "../../src/index.ts";

/** A connected service over a driver of these parts. */
export async function connected(
  parts: Partial<DriverParts>,
  options: Omit<DatabaseOptions, "driver"> = {},
): Promise<DatabaseService> {
  const db = service(parts, options);
  await db.connect();
  return db;
}

export function service(parts: Partial<DriverParts>, options: Omit<DatabaseOptions, "driver"> = {}): DatabaseService {
  return createDatabase({ driver: defineDriver({ name: "fake", statements: {}, ...parts }), ...options });
}

/** Never settles and never listens: the worst that a driver can do to its caller. */
export const hang = (): Promise<never> => new Promise<never>(() => {});

/** What a promise rejects with. */
export async function rejection(promise: PromiseLike<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (thrown) {
    return thrown;
  }
  throw new Error("expected a rejection, got a result");
}

/** The same where it has to be one of ours. */
export async function failure(promise: PromiseLike<unknown>): Promise<DatabaseError> {
  return asFailure(await rejection(promise));
}

export function failureOf(run: () => unknown): DatabaseError {
  try {
    run();
  } catch (thrown) {
    return asFailure(thrown);
  }
  throw new Error("expected an exception, got a result");
}

function asFailure(thrown: unknown): DatabaseError {
  if (isDatabaseError(thrown) && ERROR_CODES.includes(thrown.code)) return thrown;
  throw new Error(`expected a DatabaseError, got ${String(thrown)}`, { cause: thrown });
}
