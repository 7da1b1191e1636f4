import { type OperationOf, runCall } from "@db/core";
import { expect, test } from "vitest";
import { createHandlers } from "../src/handlers.ts";
import { Ledger } from "../src/ledger.ts";
import { createLocks } from "../src/write-locks.ts";
import { WriteOrder } from "../src/write-order.ts";
import { FakeSession } from "./support/fake-session.ts";

const record = { collection: "notes", id: "notes:1", expect: undefined, returning: false } as const;
const update: OperationOf<"update"> = { ...record, kind: "update", mode: "merge", data: { n: 1 }, remove: [] };
const increment: OperationOf<"update"> = { ...update, mode: "increment" };
const deletion: OperationOf<"delete"> = { ...record, kind: "delete" };

/** What a change becomes that the database answers so. */
function played(operation: OperationOf<"update"> | OperationOf<"delete">, answer: unknown): Promise<unknown> {
  const session = new FakeSession(() => answer);
  const locks = createLocks(new WriteOrder(false), { namespace: "n", database: "d" });
  const { update: change, delete: remove } = createHandlers(session, locks, new Ledger(session, locks, 1_000));
  return runCall({ timeoutMs: 1_000 }, (context) =>
    operation.kind === "update" ? change(operation, context) : remove(operation, context),
  ).catch((error: unknown) => error);
}

test.each([
  [update, { row: true }],
  [increment, { row: true }],
  [deletion, { n: 1 }],
])("a change that was made is committed", async (operation, answer) => {
  expect(await played(operation, answer)).toMatchObject({ id: "notes:1", status: "committed" });
});

test.each([
  [update, undefined, "NOT_FOUND"],
  [deletion, undefined, "NOT_FOUND"],
  [update, 0, "NOT_FOUND"],
  [deletion, 1, "PRECONDITION_FAILED"],
  [increment, 2, "FIELD_VIOLATION"],
])("a change that was refused says why", async (operation, answer, code) => {
  expect(await played(operation, answer)).toMatchObject({ code, effect: "none" });
});

test.each([
  [update, []],
  [update, {}],
  [update, 2],
  [update, "no"],
  [increment, 3],
  [increment, -1],
  [increment, "2"],
  [deletion, []],
  [deletion, 2],
  [deletion, true],
])(
  "a change whose answer is none of these (%#) was neither made nor refused, as far as can be known",
  async (operation, answer) => {
    expect(await played(operation, answer)).toMatchObject({ code: "INTERNAL", effect: "unknown" });
  },
);
