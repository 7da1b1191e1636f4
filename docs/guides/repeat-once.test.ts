import { createDatabase, DatabaseErrorOf } from "@db/core";
import { MockDatabase } from "@db/testing";
import { expect, onTestFinished, test } from "vitest";
import { repeatOnce } from "./repeat-once.ts";

async function connected() {
  const mock = new MockDatabase();
  const db = createDatabase({ driver: mock, layers: [repeatOnce()] });
  onTestFinished(() => db.disconnect());
  await db.connect();
  mock.clearCalls();
  return { mock, db };
}

const conflict = new DatabaseErrorOf("CONFLICT", "met", {});
const lost = new DatabaseErrorOf("CONNECTION_FAILED", "lost", {}, { effect: "unknown" });
const refused = new DatabaseErrorOf("PERMISSION_DENIED", "no", {});

test("a write that failed without effect is tried once more, under its operation id", async () => {
  const { mock, db } = await connected();
  mock.failNext(conflict, { kind: "create" });
  const { operationId } = await db.create("notes", {});
  expect(mock.calls).toMatchObject([
    { attempt: 1, outcome: "failed", operationId },
    { attempt: 2, outcome: "done", operationId },
  ]);
});

test.each([
  ["whose effect is unknown", lost],
  ["that cannot help to repeat", refused],
])("a write %s is not repeated", async (_name, error) => {
  const { mock, db } = await connected();
  mock.failNext(error, { kind: "create" });
  await expect(db.create("notes", {})).rejects.toMatchObject({ code: error.code });
  expect(mock.calls).toHaveLength(1);
});

test("what fails twice fails", async () => {
  const { mock, db } = await connected();
  mock.failNext(conflict, { kind: "create", times: 2 });
  await expect(db.create("notes", {})).rejects.toMatchObject({ code: "CONFLICT" });
  expect(mock.calls).toHaveLength(2);
});

test("in an outage nothing is repeated", async () => {
  const { mock, db } = await connected();
  mock.goAway({ unavailableAfterMs: 0 });
  await expect(db.read("notes:1")).rejects.toMatchObject({ code: "SERVICE_UNAVAILABLE" });
  expect(mock.calls).toHaveLength(0);
});
