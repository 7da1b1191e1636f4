import { describe, expect, test } from "vitest";
import { DatabaseErrorOf, ERROR_CODES, type ErrorCode, invalid, toProblem } from "../src/index.ts";

const STATUS: { readonly [C in ErrorCode]: number } = {
  CONNECTION_FAILED: 503,
  NOT_CONNECTED: 503,
  SERVICE_UNAVAILABLE: 503,
  POOL_EXHAUSTED: 503,
  QUERY_TIMEOUT: 504,
  CANCELLED: 499,
  CONFLICT: 409,
  PRECONDITION_FAILED: 412,
  TRANSACTION_FAILED: 503,
  TRANSACTION_ROLLED_BACK: 500,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  UNIQUE_VIOLATION: 409,
  FIELD_VIOLATION: 422,
  VALIDATION_FAILED: 400,
  INVALID_RECORD_ID: 400,
  INVALID_QUERY: 400,
  AUTHENTICATION_FAILED: 500,
  PERMISSION_DENIED: 403,
  UNSUPPORTED_VERSION: 500,
  UNSUPPORTED: 501,
  QUEUE_FULL: 503,
  DURABILITY_UNKNOWN: 503,
  OUTCOME_UNKNOWN: 504,
  DATABASE_LOCKED: 503,
  STORAGE_FAILED: 503,
  STORAGE_DAMAGED: 500,
  PAYLOAD_TOO_LARGE: 413,
  CLOSED: 503,
  INTERNAL: 500,
};
const PRIVATE: readonly ErrorCode[] = [
  "INTERNAL",
  "AUTHENTICATION_FAILED",
  "UNSUPPORTED_VERSION",
  "TRANSACTION_ROLLED_BACK",
  "DATABASE_LOCKED",
  "STORAGE_FAILED",
  "STORAGE_DAMAGED",
];

const facts = { retryAfterMs: 1_500, issues: [] };
const make = (code: ErrorCode) =>
  new DatabaseErrorOf(code, `message of ${code}`, facts as never, { cause: new Error("SECRET") });

describe("the problem of an error", () => {
  test.each(ERROR_CODES)("%s has its status, type and code, and nothing of the cause", (code) => {
    const problem = toProblem(make(code));
    expect(problem).toMatchObject({ status: STATUS[code], code });
    expect(problem.type).toBe(`urn:db:error:${code.toLowerCase().replaceAll("_", "-")}`);
    expect(problem.title).not.toBe("");
    expect(JSON.stringify(problem)).not.toContain("SECRET");
    expect(problem.detail).toBe(PRIVATE.includes(code) ? problem.title : `message of ${code}`);
  });

  test.each(ERROR_CODES)("%s says when to come back exactly when it is a 503, in whole seconds", (code) => {
    const { status, retryAfter } = toProblem(make(code));
    expect(retryAfter).toBe(status !== 503 ? undefined : code === "SERVICE_UNAVAILABLE" ? 2 : 1);
  });

  test.each([
    [0, 1],
    [1, 1],
    [999.5, 1],
    [1_000, 1],
    [1_001, 2],
    [60_000, 60],
    [-5, 1],
    [Number.NaN, 1],
    [Number.POSITIVE_INFINITY, 1],
  ])("a retry after %o ms is one after %o s", (retryAfterMs, retryAfter) => {
    expect(toProblem(new DatabaseErrorOf("SERVICE_UNAVAILABLE", "m", { retryAfterMs }))).toMatchObject({ retryAfter });
  });

  test("a validation points at each field by JSON pointer", () => {
    const problem = toProblem(invalid(["a/b", "~c", 0], "max_length", "at most 5 characters"));
    expect(problem.errors).toEqual([
      { pointer: "/a~1b/~0c/0", rule: "max_length", detail: "expected at most 5 characters" },
    ]);
    expect(toProblem(make("INVALID_QUERY")).errors).toBeUndefined();
  });

  test.each([[new Error("SECRET")], ["SECRET"], [undefined], [null], [{ code: "NOT_FOUND", message: "SECRET" }]])(
    "%o, which is none of ours, is a bare 500",
    (thrown) => {
      expect(toProblem(thrown)).toEqual({
        type: "urn:db:error:internal",
        title: "Internal error",
        status: 500,
        detail: "Internal error",
        code: "INTERNAL",
      });
    },
  );

  test("a code that only a later copy of this package knows is a bare 500 and not an exception", () => {
    for (const code of ["FROM_THE_FUTURE", "constructor"]) {
      const error = new DatabaseErrorOf(code as never, "SECRET", {} as never);
      expect(toProblem(error)).toMatchObject({ status: 500, code: "INTERNAL", detail: "Internal error" });
    }
  });
});
