import { DatabaseErrorOf } from "@db/core";
import { describe, expect, test } from "vitest";
import { classify, classifyOpening, isMissingTable, isSessionExpired } from "../src/errors.ts";
import { serverError } from "../src/rpc.ts";

/** The engine's errors as they come, 3.0.2: class, kind, details, code and text. */
function told(facts: { name?: string; kind?: string; details?: object; code?: number; message: string }): Error {
  return Object.assign(new Error(facts.message), { name: "InternalError", kind: "Internal", code: 0, ...facts });
}

const record = { kind: "AlreadyExists", details: { kind: "Record", details: { id: "a:`1`" } } };
const CASES: readonly (readonly [string, Error, { code: string; effect?: string; facts?: object }])[] = [
  [
    "an id that exists",
    told({ ...record, message: "Database record `a:`1`` already exists" }),
    { code: "ALREADY_EXISTS", facts: { id: "a:1" } },
  ],
  [
    "a table that exists",
    told({ kind: "AlreadyExists", details: { kind: "Table" }, message: "The table 'a' already exists" }),
    { code: "ALREADY_EXISTS" },
  ],
  [
    "a missing table",
    told({
      kind: "NotFound",
      details: { kind: "Table", details: { name: "a" } },
      message: "The table 'a' does not exist",
    }),
    { code: "NOT_FOUND" },
  ],
  [
    "a unique index",
    told({ message: "Database index `un` already contains 2, with record `a:3`" }),
    { code: "UNIQUE_VIOLATION", facts: { index: "un" } },
  ],
  [
    "an assertion",
    told({ message: "Found -2 for field `n`, with record `a:3`, but field must conform to: $value > 0" }),
    { code: "FIELD_VIOLATION", facts: { field: "n" } },
  ],
  [
    "a value that imitates another field",
    told({ message: "Found 'x for field `zz`, with record' for field `n`, with record `a:3`, but" }),
    { code: "FIELD_VIOLATION", facts: { field: "n" } },
  ],
  [
    "a wrong type",
    told({ message: "Couldn't coerce value for field `n` of `a:3`: Expected `int` but found `NONE`" }),
    { code: "FIELD_VIOLATION", facts: { field: "n" } },
  ],
  [
    "an unknown field",
    told({ message: "Found field 'zz', but no such field exists for table 'a'" }),
    { code: "FIELD_VIOLATION", facts: { field: "zz" } },
  ],
  [
    "a conflict of one statement",
    told({
      name: "QueryError",
      kind: "Query",
      details: { kind: "NotExecuted" },
      message: "Transaction conflict: Resource busy: . This transaction can be retried",
    }),
    { code: "CONFLICT" },
  ],
  [
    "a conflict of a block",
    told({ message: "Query not executed: Transaction conflict: Write conflict. This transaction can be retried" }),
    { code: "CONFLICT" },
  ],
  [
    "a conflict at commit",
    told({
      code: -32000,
      message: "Transaction conflict: Transaction write conflict. This transaction can be retried",
    }),
    { code: "CONFLICT" },
  ],
  [
    "a conflict told by details (3.1)",
    told({ kind: "Query", code: -32009, details: { kind: "TransactionConflict" }, message: "any" }),
    { code: "CONFLICT" },
  ],
  [
    "a THROW that imitates a conflict",
    told({
      name: "ThrownError",
      kind: "Thrown",
      message: "An error occurred: Transaction conflict: This transaction can be retried",
    }),
    { code: "INVALID_QUERY" },
  ],
  [
    "a TIMEOUT clause",
    told({
      kind: "Query",
      details: { kind: "TimedOut" },
      message: "The query was not executed because it exceeded the timeout: 1s500ms",
    }),
    { code: "QUERY_TIMEOUT", facts: { timeoutMs: 1500 } },
  ],
  [
    "a wrong password",
    told({
      kind: "NotAllowed",
      code: -32002,
      details: { kind: "Auth", details: { kind: "InvalidAuth" } },
      message: "There was a problem with authentication",
    }),
    { code: "AUTHENTICATION_FAILED" },
  ],
  [
    "an expired session",
    told({
      kind: "NotAllowed",
      details: { kind: "Auth", details: { kind: "SessionExpired" } },
      message: "The session has expired",
    }),
    { code: "AUTHENTICATION_FAILED" },
  ],
  [
    "a missing permission",
    told({ kind: "NotAllowed", details: { kind: "Method" }, message: "IAM error: Not enough permissions" }),
    { code: "PERMISSION_DENIED" },
  ],
  [
    "a parse error",
    told({ kind: "Validation", code: -32000, message: "Parse error: unexpected 'SECRET'" }),
    { code: "INVALID_QUERY" },
  ],
  [
    "a transaction that ended",
    told({ kind: "Validation", code: -32603, message: "Transaction not found" }),
    { code: "TRANSACTION_ROLLED_BACK" },
  ],
  [
    "a lost connection",
    told({ name: "CallTerminatedError", message: "gone" }),
    { code: "CONNECTION_FAILED", effect: "unknown" },
  ],
  [
    "a number CBOR cannot hold, which is no Error",
    { name: "CborNumberError", message: "too big" } as Error,
    { code: "VALIDATION_FAILED" },
  ],
  [
    "an event that throws",
    told({ message: "Error while processing event audit: An error occurred: SECRET" }),
    { code: "INVALID_QUERY" },
  ],
  ["a function that is none", told({ message: "Function 'fn::x' not found" }), { code: "INVALID_QUERY" }],
  [
    "a value that imitates a lock",
    told({ message: "Expected `int` but found 'already locked by another process'" }),
    { code: "INTERNAL", effect: "unknown" },
  ],
  ["what nobody has seen yet", told({ message: "a new kind of trouble" }), { code: "INTERNAL", effect: "unknown" }],
];

describe("the engine's errors become the contract's", () => {
  test.each(CASES)("%s", (_, error, wanted) => {
    const made = classify(error, { effect: "unknown", id: "a:1" });
    expect(made).toMatchObject({ effect: "none", ...wanted });
    expect(made.cause).toBe(error);
    expect(made.message).not.toMatch(/SECRET|-2|imitates/);
  });

  test("one of ours stays as it is", () => {
    const ours = new DatabaseErrorOf("CONFLICT", "ours", {});
    expect(classify(ours, { effect: "unknown" })).toBe(ours);
  });

  test.each([undefined, null, "text", 7, {}])("thrown %s becomes INTERNAL", (thrown) => {
    expect(classify(thrown, { effect: "none" })).toMatchObject({ code: "INTERNAL", effect: "none" });
  });

  test.each([
    { code: { toString: 1 } },
    { message: [{ toString: 1 }] },
    { kind: { toString: 1 } },
    { details: null },
    { details: "x" },
    "boom",
    7,
  ])("what is no error at all is INTERNAL and never thrown on the way: %j", (raw) => {
    const error = serverError(raw);
    expect(isSessionExpired(error)).toBe(false);
    expect(classify(error, { effect: "unknown" })).toMatchObject({ code: "INTERNAL", effect: "unknown" });
  });

  test("only a missing table counts as a collection that is not there yet", () => {
    const seen = { effect: "none" } as const;
    const table = told({ kind: "NotFound", details: { kind: "Table" }, message: "t" });
    const session = told({ kind: "NotFound", details: { kind: "Session" }, message: "s" });
    expect([table, session, undefined].map((error) => isMissingTable(classify(error, seen)))).toEqual([
      true,
      false,
      false,
    ]);
  });
});

describe("an engine that cannot be opened", () => {
  test.each([
    "There was a problem with the datastore: Other error: Database at /p/LOCK is already locked by another process",
    "There was a problem with a transaction: IO error: lock hold by current process, acquire time 1 /p/LOCK: No locks available",
    "There was a problem with a transaction: IO error: While lock file: /p/LOCK: Resource temporarily unavailable",
  ])("is DATABASE_LOCKED for: %s", (message) => {
    expect(classifyOpening(new Error(message), "/p")).toMatchObject({ code: "DATABASE_LOCKED", facts: { path: "/p" } });
  });

  test("is CONNECTION_FAILED for all else, and trying again does not help", () => {
    const cause = new Error("IO error: Permission denied (os error 13)");
    expect(classifyOpening(cause, "/p")).toMatchObject({ code: "CONNECTION_FAILED", retryable: false, cause });
  });
});
