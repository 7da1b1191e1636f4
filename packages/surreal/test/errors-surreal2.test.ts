import { expect, test } from "vitest";
import { classify, isMissingTable, isSessionExpired } from "../src/errors.ts";
import { resultsOf } from "../src/responses.ts";
import { firstResult, readResponses, serverError } from "../src/rpc.ts";

/** Texts of SurrealDB 2.6.0, as they came: it tells no kinds and no details. Each with the code that it becomes. */
const OF_A_STATEMENT = {
  "Database record `a:1` already exists": "ALREADY_EXISTS",
  "The table 'a' already exists": "ALREADY_EXISTS",
  "The table 'a' does not exist": "NOT_FOUND",
  "An error occurred: The session has expired": "INVALID_QUERY",
  "An error occurred: Failed to commit transaction due to a read or write conflict": "INVALID_QUERY",
  "The query was not executed due to a failed transaction. Failed to commit transaction due to a read or write conflict. This transaction can be retried":
    "CONFLICT",
  "The query was not executed because it exceeded the timeout": "QUERY_TIMEOUT",
  "IAM error: Not enough permissions to perform this action": "PERMISSION_DENIED",
  "Database index `un` already contains 1, with record `u:1`": "UNIQUE_VIOLATION",
  "Found -1 for field `n`, with record `s:1`, but field must conform to: $value > 0": "FIELD_VIOLATION",
  "Found NONE for field `n`, with record `s:4`, but expected a int": "FIELD_VIOLATION",
  "Found changed value for field `r`, with record `rr:1`, but field is readonly": "FIELD_VIOLATION",
  "The function 'fn::nope' does not exist": "INVALID_QUERY",
  "Cannot perform addition with '9223372036854775807' and '1'": "INVALID_QUERY",
  "Expected a int but cannot convert 'a' into a int": "INVALID_QUERY",
  "Expected a single result output when using the ONLY keyword": "INVALID_QUERY",
  "Incorrect arguments for function math::sum(). Argument 1 was the wrong type. Expected a array but found 'a'":
    "INVALID_QUERY",
  "Can not execute CREATE statement using value: 5": "INVALID_QUERY",
};

const OF_A_REQUEST = {
  "There was a problem with the database: Parse error: Unexpected token `Eof` expected delimiter `]`": "INVALID_QUERY",
  "There was a problem with the database: There was a problem with authentication": "AUTHENTICATION_FAILED",
  "There was a problem with the database: The access method does not exist": "AUTHENTICATION_FAILED",
  "There was a problem with the database: The token has expired": "AUTHENTICATION_FAILED",
  "There was a problem with the database: The session has expired": "AUTHENTICATION_FAILED",
  "There was a problem with the database: IAM error: Not enough permissions to perform this action":
    "PERMISSION_DENIED",
};

const harmless = (code: string) => expect.objectContaining({ code, effect: "none" });
const refused = (message: string): Error => serverError({ code: -32_000, message });

test.each(Object.entries(OF_A_STATEMENT))("SurrealDB 2 says of a statement: %s", (result, code) => {
  expect(() => firstResult([{ status: "ERR", result }], { effect: "unknown", id: "a:1" })).toThrow(harmless(code));
});

test.each(Object.entries(OF_A_REQUEST))("SurrealDB 2 says of a request: %s", (message, code) => {
  expect(classify(refused(message), { effect: "unknown" })).toMatchObject({ code, effect: "none" });
});

test("a block that failed to commit is a CONFLICT, one that failed before tells its own cause", () => {
  const aftermath = "The query was not executed due to a failed transaction";
  const conflict = `${aftermath}. Failed to commit transaction due to a read or write conflict.`;
  const block = (...results: string[]) => readResponses(results.map((result) => ({ status: "ERR", result })));
  expect(() => resultsOf("", block(conflict, conflict), "unknown")).toThrow(harmless("CONFLICT"));
  expect(() => resultsOf("", block(aftermath, "An error occurred: y"), "unknown")).toThrow(harmless("INVALID_QUERY"));
});

test("only a request can tell that the session is over, never a statement or its THROW", () => {
  const text = "The session has expired";
  expect(isSessionExpired(refused(`There was a problem with the database: ${text}`))).toBe(true);
  expect(isSessionExpired(serverError({ code: 0, message: text }))).toBe(false);
  expect(isSessionExpired(refused(`An error occurred: ${text}`))).toBe(false);
});

test("a strict server's missing table is a collection that is not there yet", () => {
  const missing = classify(serverError({ code: 0, message: "The table 'a' does not exist" }), { effect: "none" });
  expect(isMissingTable(missing)).toBe(true);
});
