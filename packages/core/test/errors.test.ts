import { describe, expect, expectTypeOf, test } from "vitest";
import {
  type DatabaseError,
  DatabaseErrorOf,
  ERROR_CODES,
  type ErrorCode,
  type ErrorFacts,
  invalid,
  isDatabaseError,
  isOperationReused,
  operationReused,
  toDatabaseError,
  unsupported,
  withEffect,
} from "../src/index.ts";

/** What may succeed when it is tried again later. */
const RETRYABLE: readonly ErrorCode[] = [
  "CONNECTION_FAILED",
  "NOT_CONNECTED",
  "SERVICE_UNAVAILABLE",
  "POOL_EXHAUSTED",
  "QUERY_TIMEOUT",
  "CONFLICT",
  "TRANSACTION_FAILED",
  "QUEUE_FULL",
  "DURABILITY_UNKNOWN",
  "DATABASE_LOCKED",
  "STORAGE_FAILED",
];
const FINAL: readonly ErrorCode[] = [
  "CANCELLED",
  "PRECONDITION_FAILED",
  "TRANSACTION_ROLLED_BACK",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "UNIQUE_VIOLATION",
  "FIELD_VIOLATION",
  "VALIDATION_FAILED",
  "INVALID_RECORD_ID",
  "INVALID_QUERY",
  "AUTHENTICATION_FAILED",
  "PERMISSION_DENIED",
  "UNSUPPORTED_VERSION",
  "UNSUPPORTED",
  "OUTCOME_UNKNOWN",
  "STORAGE_DAMAGED",
  "PAYLOAD_TOO_LARGE",
  "CLOSED",
  "INTERNAL",
];

const make = (code: ErrorCode): DatabaseError =>
  new DatabaseErrorOf(code, "what happened", {} as never) as DatabaseError;

describe("codes", () => {
  test("the codes are these and no others", () => {
    expect([...ERROR_CODES].sort()).toEqual([...RETRYABLE, ...FINAL].sort());
  });

  test.each(RETRYABLE)("%s may succeed later", (code) => {
    expect(make(code)).toMatchObject({ code, retryable: true, effect: "none", name: "DatabaseError" });
  });

  test.each(FINAL)("%s stays as it is", (code) => {
    expect(make(code)).toMatchObject({ code, retryable: false, effect: "none", name: "DatabaseError" });
  });

  test("whoever knows better may say otherwise", () => {
    const error = new DatabaseErrorOf("INTERNAL", "m", {}, { retryable: true, effect: "unknown" });
    expect(error).toMatchObject({ retryable: true, effect: "unknown" });
  });
});

describe("the union", () => {
  test("a switch over the code types the facts", () => {
    const error = make("NOT_FOUND");
    switch (error.code) {
      case "SERVICE_UNAVAILABLE":
        expectTypeOf(error.facts).toEqualTypeOf<{ readonly retryAfterMs: number }>();
        break;
      case "NOT_FOUND":
        expectTypeOf(error.facts.id).toBeString();
        break;
      case "TRANSACTION_FAILED":
        expectTypeOf(error.facts.phase).toEqualTypeOf<"begin" | "commit">();
        break;
      default:
    }
    expectTypeOf<DatabaseError["code"]>().toEqualTypeOf<keyof ErrorFacts>();
    expectTypeOf<DatabaseErrorOf<"CLOSED">>().toExtend<DatabaseError>();
  });

  test("the facts of a code cannot be left out or mixed up", () => {
    // @ts-expect-error the id is missing
    new DatabaseErrorOf("NOT_FOUND", "m", {});
    // @ts-expect-error these are the facts of another code
    new DatabaseErrorOf("QUERY_TIMEOUT", "m", { id: "notes:1" });
  });
});

describe("the mark", () => {
  test("an error of another copy of the package is one of ours, though not of our class", async () => {
    // The query makes it another module to the loader, as a second installed copy would be.
    const specifier = "../src/errors.ts?second-copy";
    const other = (await import(/* @vite-ignore */ specifier)) as typeof import("../src/errors.ts");
    const foreign = new other.DatabaseErrorOf("CONFLICT", "m", {});
    expect(other.DatabaseErrorOf).not.toBe(DatabaseErrorOf);
    expect(foreign).not.toBeInstanceOf(DatabaseErrorOf);
    expect(isDatabaseError(foreign)).toBe(true);
    expect(toDatabaseError(foreign, "unknown")).toBe(foreign);
  });

  test.each([[undefined], [null], ["CONFLICT"], [42], [new Error("m")], [{ code: "CONFLICT" }], [() => {}]])(
    "%o is none of ours",
    (value) => {
      expect(isDatabaseError(value)).toBe(false);
    },
  );

  test("the mark does not show when the error is printed or copied", () => {
    const error = make("CLOSED");
    expect(Object.keys(error).sort()).toEqual(["code", "effect", "facts", "name", "retryable"]);
    expect(isDatabaseError({ ...error })).toBe(false);
  });
});

describe("withEffect", () => {
  test("returns the error itself when the effect is the same", () => {
    const error = make("CONFLICT");
    expect(withEffect(error, "none")).toBe(error);
  });

  test("keeps everything else", () => {
    const cause = new Error("socket");
    const error = new DatabaseErrorOf("NOT_FOUND", "m", { id: "a:1" }, { retryable: true, cause }) as DatabaseError;
    expect(withEffect(error, "unknown")).toMatchObject({
      code: "NOT_FOUND",
      message: "m",
      facts: { id: "a:1" },
      retryable: true,
      effect: "unknown",
      cause,
    });
  });

  test("keeps a cause that is undefined and makes none up", () => {
    expect("cause" in withEffect(make("CLOSED"), "unknown")).toBe(false);
    const cancelled = new DatabaseErrorOf("CANCELLED", "m", {}, { cause: undefined });
    expect("cause" in withEffect(cancelled, "unknown")).toBe(true);
  });
});

describe("toDatabaseError", () => {
  test.each([[new TypeError("secret")], ["secret"], [undefined], [null], [Symbol("secret")], [{ secret: 1 }]])(
    "wraps %o as INTERNAL, with it as the cause and not in the message",
    (thrown) => {
      const error = toDatabaseError(thrown, "unknown");
      expect(error).toMatchObject({ code: "INTERNAL", effect: "unknown" });
      expect(error.cause).toBe(thrown);
      expect(error.message).not.toContain("secret");
    },
  );

  test("a thrown value that throws when it is looked at is wrapped like any other", () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    const named = Object.defineProperty(new Error("m"), "name", {
      get: () => {
        throw new Error("from the getter");
      },
    });
    const symbolic = Object.assign(new Error("m"), { name: Symbol("name") });
    for (const hostile of [proxy, named, symbolic]) {
      const error = toDatabaseError(hostile, "none");
      expect(error.code).toBe("INTERNAL");
      expect(error.cause === hostile).toBe(true);
    }
  });
});

describe("the makers", () => {
  test("invalid tells where, which rule and what would have been right", () => {
    const error = invalid(["data", "tags", 3], "type", "a string");
    expect(error.message).toBe("expected data.tags.3 to be a string");
    expect(error.facts.issues).toEqual([{ path: ["data", "tags", 3], rule: "type", expected: "a string" }]);
    expect(invalid([], "type", "a string").message).toBe("expected the value to be a string");
  });

  test("unsupported names the feature, and the way out where there is one", () => {
    expect(unsupported("a ledger").message).toBe("a ledger is not supported here");
    expect(unsupported("a ledger", "use x")).toMatchObject({
      message: "a ledger is not supported here: use x",
      facts: { feature: "a ledger" },
    });
  });
});

test("an operation id that another write has used is told from other invalid input", () => {
  expect(isOperationReused(operationReused())).toBe(true);
  for (const other of [invalid(["operationId"], "operationId", "another"), new Error("operation_reused"), undefined])
    expect(isOperationReused(other)).toBe(false);
});
