import assert from "node:assert/strict";
import { type DatabaseError, isDatabaseError } from "@db/core";
import { rejection, rejects, show } from "./assertions.ts";
import type { CaseContext, Theme } from "./conformance-case.ts";

const SECRET = "hunter2-never-in-a-message";

export const errors: Theme = {
  name: "errors",
  cases: {
    "every refusal is a DatabaseError with its facts, without effect and not worth a retry": async (context) => {
      for (const error of await refusals(context)) {
        assert.ok(error instanceof Error && isDatabaseError(error));
        assert.equal(error.name, "DatabaseError");
        assert.deepEqual([error.effect, error.retryable], ["none", false], show(error));
        assert.equal(typeof error.facts, "object");
        assert.ok(error.message.length > 0);
      }
    },

    "messages hold no values": async (context) => {
      for (const error of await refusals(context)) {
        assert.ok(!error.message.includes(SECRET), `expected a message without values, got "${error.message}"`);
        assert.ok(
          !JSON.stringify(error.facts).includes(SECRET),
          `expected facts without values, got ${show(error.facts)}`,
        );
      }
    },

    "facts name the record or the field": async ({ db, collection }) => {
      const id = `${collection}:it's "one" \`here\``;
      const missing = `${collection}:⟨gone⟩`;
      await db.create(collection, { "odd`name'": "x" }, { id });
      await rejects(db.create(collection, {}, { id }), "ALREADY_EXISTS", { facts: { id } });
      await rejects(db.update(missing, {}), "NOT_FOUND", { facts: { id: missing } });
      await rejects(db.delete(missing), "NOT_FOUND", { facts: { id: missing } });
      await rejects(db.update(id, { a: 1 }, { expect: { a: 1 } }), "PRECONDITION_FAILED", { facts: { id } });
      const odd = db.update(id, { "odd`name'": 1 }, { mode: "increment" });
      await rejects(odd, "FIELD_VIOLATION", { facts: { field: "odd`name'" } });
    },

    "a refused call leaves the service as it was": async (context) => {
      const before = await context.db.count(context.collection);
      await refusals(context);
      assert.equal(await context.db.count(context.collection), before + 1);
      assert.equal((await context.db.healthCheck()).status, "healthy");
    },
  },
};

/** One error of every refusal that needs no outage; leaves one record behind. */
async function refusals({ db, collection }: CaseContext): Promise<readonly DatabaseError[]> {
  const { id } = await db.create(collection, { text: SECRET });
  const missing = `${collection}:missing`;
  const calls: readonly (readonly [string, Promise<unknown>])[] = [
    ["ALREADY_EXISTS", db.create(collection, { text: SECRET }, { id })],
    ["NOT_FOUND", db.update(missing, { text: SECRET })],
    ["NOT_FOUND", db.update(missing, { n: 1 }, { mode: "increment" })],
    ["NOT_FOUND", db.delete(missing)],
    ["PRECONDITION_FAILED", db.update(id, { text: SECRET }, { expect: { text: `${SECRET}!` } })],
    ["PRECONDITION_FAILED", db.delete(id, { expect: { text: `${SECRET}!` } })],
    ["FIELD_VIOLATION", db.update(id, { text: 1 }, { mode: "increment" })],
    ["VALIDATION_FAILED", db.create(collection, { text: SECRET, bad: Number.NaN })],
    ["INVALID_RECORD_ID", db.read(SECRET)],
    ["INVALID_QUERY", db.find(collection, { where: { op: "eq", path: [], value: SECRET } })],
    ["INVALID_QUERY", db.find(collection, { after: SECRET })],
  ];
  return Promise.all(
    calls.map(async ([code, call]) => {
      const error = await rejection(call, code);
      assert.equal(error.code, code, show(error));
      return error;
    }),
  );
}
