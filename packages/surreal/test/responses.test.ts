import { expect, test } from "vitest";
import { type Response, resultsOf } from "../src/responses.ts";
import { serverError } from "../src/rpc.ts";

const ok = (result?: unknown): Response => ({ success: true, result });
const failed = (message: string, kind = "Internal"): Response => ({
  success: false,
  error: serverError({ code: 0, kind, message }),
});
const FAILED = failed("The query was not executed due to a failed transaction");
const CANCELLED = failed("The query was not executed due to a cancelled transaction");
const CONFLICT = failed("Query not executed: Transaction conflict: Write conflict. This transaction can be retried");
const BLOCK = "BEGIN; CREATE a:1; CREATE a:1; COMMIT";

function refusal(text: string, responses: readonly Response[]): unknown {
  try {
    return resultsOf(text, responses, "unknown");
  } catch (error) {
    return error;
  }
}

test("what succeeds is told a statement at a time", () => {
  expect(resultsOf("RETURN 1; RETURN 2", [ok(1), ok(2)], "unknown")).toEqual([1, 2]);
});

test.each([
  ["a block", BLOCK, [ok(), FAILED, failed("An error occurred: no", "Thrown"), CANCELLED], "INVALID_QUERY", "none", 3],
  ["a block in other letters", `  ${BLOCK.toLowerCase()}`, [ok(), FAILED, CONFLICT], "CONFLICT", "none", 3],
  ["a block of a server that does not answer BEGIN", BLOCK, [FAILED, CONFLICT], "CONFLICT", "none", 2],
  ["a statement after a block", `${BLOCK}; THROW 1`, [ok(), ok(), ok(), CONFLICT], "CONFLICT", "unknown", 4],
  ["a statement after another", "DEFINE TABLE a; CREATE a:1", [ok(), CONFLICT], "CONFLICT", "unknown", 2],
  ["a statement before another", "CREATE a:1; RETURN 1", [CONFLICT, ok(1)], "CONFLICT", "unknown", 1],
  ["all of them", "CREATE a:1; CREATE a:2", [CONFLICT, CONFLICT], "CONFLICT", "none", 1],
  ["one of which nobody knows", "CREATE a:1; CREATE a:2", [CONFLICT, failed("odd")], "CONFLICT", "unknown", 1],
] as const)(
  "%s that fails tells its true cause, what became of the data, and which statement it was",
  (_, text, responses, code, effect, position) => {
    const error = refusal(text, responses);
    expect(error).toMatchObject({ code, effect, message: expect.stringMatching(`\\(statement ${position}\\)$`) });
  },
);

test("the only statement is not counted", () => {
  expect(refusal("CREATE a:1", [CONFLICT])).toMatchObject({
    code: "CONFLICT",
    effect: "none",
    message: "another write got there first",
  });
});
