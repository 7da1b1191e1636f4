import assert from "node:assert/strict";
import { createDatabase, DatabaseErrorOf, isDatabaseError } from "@db/core";
import { MockDatabase } from "@db/testing";

const mock = new MockDatabase();
await using db = createDatabase({ driver: mock });
await db.connect();

mock.failNext(new DatabaseErrorOf("CONFLICT", "somebody else was first", {}), { kind: "update" });
await db.create("accounts", { balance: 0 }, { id: "accounts:ann" });
const error = await db.update("accounts:ann", { balance: 1 }).catch((thrown: unknown) => thrown);

assert.ok(isDatabaseError(error) && error.retryable && error.effect === "none");
assert.deepEqual(await db.read("accounts:ann"), { id: "accounts:ann", balance: 0 });
console.log(mock.calls.map(({ kind, outcome }) => `${kind} ${outcome}`).join(", "));
