import { DatabaseErrorOf, ERROR_CODES, type ErrorCode, type ErrorFacts, toProblem } from "@db/core";
import { describe, expect, test } from "vitest";
import { json, note, problemIn, startApp } from "./harness.ts";

/** A secret that stands where a driver may put one: in the cause. */
const SECRET = "s3cr3t";

function failure(code: ErrorCode): Error {
  const facts = {
    retryAfterMs: 2_500,
    timeoutMs: 10,
    id: "notes:1",
    phase: "commit",
    index: "i",
    field: "f",
    issues: [{ path: ["title"], rule: "r", expected: "right" }],
    expected: "x",
    version: "1",
    range: "2",
    feature: "f",
    operationId: "o",
    path: "/p",
    limitBytes: 5,
  } as ErrorFacts[ErrorCode];
  return new DatabaseErrorOf(code, "it failed", facts, { cause: new Error(SECRET) });
}

/**
 * What no operation ends in: the client is gone and not there to be answered (CANCELLED), no route states a condition, an
 * embedded engine has no users, and the routes ask for nothing that it has not.
 */
const never: readonly ErrorCode[] = ["CANCELLED", "PRECONDITION_FAILED", "PERMISSION_DENIED", "UNSUPPORTED"];
const onlyById: readonly ErrorCode[] = ["NOT_FOUND"];
const onlyData: readonly ErrorCode[] = ["FIELD_VIOLATION", "PAYLOAD_TOO_LARGE"];
const onlyWrites: readonly ErrorCode[] = ["CONFLICT", "ALREADY_EXISTS", "UNIQUE_VIOLATION", ...onlyData];

/** Each operation, the codes that it cannot end in, and what its documentation has besides the rest's statuses. */
const requests: readonly (readonly [string, string, RequestInit, readonly ErrorCode[], readonly number[]])[] = [
  ["/notes", "post", json("POST", note), onlyById, [201, 202, 415]],
  ["/notes", "get", {}, [...onlyById, ...onlyWrites], [200]],
  ["/notes/{id}", "get", {}, onlyWrites, [200, 304]],
  ["/notes/{id}", "patch", json("PATCH", { title: "x" }), [], [200, 202, 204, 412, 415]],
  ["/notes/{id}", "delete", { method: "DELETE" }, onlyData, [202, 204, 412]],
];

type Responses = Readonly<Record<string, { readonly content: object }>>;
interface Documented {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly responses: Responses }>>>>;
}

function levelOf(status: number): string {
  if (status < 500) return "info";
  return status === 503 || status === 504 ? "warn" : "error";
}

describe.each(requests)("%s %s", (path, method, init, impossible) => {
  const codes = ERROR_CODES.filter((code) => !never.includes(code) && !impossible.includes(code));

  test.each(codes)("%s is told as documented, without secrets", async (code) => {
    const { app, db, mock, lines } = await startApp();
    await db.create("notes", note, { id: "notes:1" });
    const document = (await (await app.request("/openapi.json")).json()) as Documented;
    mock.failNext(failure(code) as Parameters<typeof mock.failNext>[0]);
    const answer = await app.request(path.replace("{id}", "notes:1"), init);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    const problem = await problemIn(answer);
    const documented = document.paths[path]?.[method]?.responses[answer.status];
    expect(documented?.content).toHaveProperty(["application/problem+json"]);
    if (code === "SERVICE_UNAVAILABLE") expect(answer.headers.get("retry-after")).toBe("3");
    expect(JSON.stringify([problem, lines])).not.toContain(SECRET);
    expect(lines.findLast(({ message }) => message.startsWith("request"))?.level).toBe(levelOf(answer.status));
  });
});

describe("the documentation", () => {
  test.each(requests)(
    "%s %s has the statuses that can be sent, and no other",
    async (path, method, _init, impossible, besides) => {
      const { app } = await startApp();
      const document = (await (await app.request("/openapi.json")).json()) as Documented;
      const codes = ERROR_CODES.filter((code) => !never.includes(code) && !impossible.includes(code));
      const statuses = new Set([...codes.map((code) => toProblem(failure(code)).status), ...besides]);
      expect(Object.keys(document.paths[path]?.[method]?.responses ?? {}).map(Number)).toEqual(
        [...statuses].sort((a, b) => a - b),
      );
    },
  );
});

test("of a write of which nobody knows what became, the operation to ask for is told", async () => {
  const { app, mock } = await startApp();
  const operationId = "op-7";
  mock.failNext(new DatabaseErrorOf("OUTCOME_UNKNOWN", "lost", { operationId }, { effect: "unknown" }));
  const answer = await app.request("/notes", json("POST", note));
  expect(answer.status).toBe(504);
  expect(await problemIn(answer)).toMatchObject({ code: "OUTCOME_UNKNOWN", operationId });
});

test("a stored note that no longer fits is the service's fault, and the log names it", async () => {
  const { app, db, lines } = await startApp();
  await db.create("notes", { ...note, title: 7 }, { id: "notes:old" });
  for (const path of ["/notes/notes:old", "/notes"]) {
    const answer = await app.request(path);
    expect(answer.status).toBe(500);
    expect(await problemIn(answer)).not.toHaveProperty("errors");
    expect(lines.at(-1)).toMatchObject({ level: "error", facts: { storedId: "notes:old", route: expect.any(String) } });
  }
});

test("a failure that nobody foresaw tells nothing to the client", async () => {
  const { app, db, lines } = await startApp();
  Object.defineProperty(db, "find", { value: () => Promise.reject(new RangeError("inner detail")) });
  const answer = await app.request("/notes");
  expect(answer.status).toBe(500);
  expect(JSON.stringify(await problemIn(answer))).not.toContain("inner detail");
  expect(lines.at(-1)).toMatchObject({
    level: "error",
    facts: { error: { name: "RangeError", message: "inner detail" } },
  });
});
