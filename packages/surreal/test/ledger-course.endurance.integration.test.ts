import { type DatabaseService, isDatabaseError, type WriteResult } from "@db/core";
import { MockDatabase } from "@db/testing";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { driverOf } from "./support/engines.ts";
import { ledgered } from "./support/ledgered.ts";

/** One write, and how it is sent: so often at once, and again so many writes later. */
interface Sent {
  readonly kind: "create" | "merge" | "replace" | "increment" | "guarded" | "delete" | "guardedDelete";
  readonly key: number;
  readonly value: number;
  readonly returning: boolean;
  readonly atOnce: number;
  readonly againAfter: readonly number[];
}

const sent: fc.Arbitrary<Sent> = fc.record({
  kind: fc.constantFrom("create", "merge", "replace", "increment", "guarded", "delete", "guardedDelete"),
  key: fc.nat(2),
  value: fc.integer({ min: -3, max: 3 }),
  returning: fc.boolean(),
  atOnce: fc.integer({ min: 1, max: 3 }),
  againAfter: fc.array(fc.nat(6), { maxLength: 2 }),
});

function write(
  db: DatabaseService,
  collection: string,
  { kind, key, value, returning }: Sent,
  operationId: string,
): Promise<WriteResult> {
  const id = `${collection}:k${key}`;
  const options = { operationId, returning };
  switch (kind) {
    case "create":
      return db.create(collection, { n: value }, { ...options, id });
    case "merge":
      return db.update(id, value < 0 ? { n: undefined, m: value } : { n: value }, options);
    case "replace":
      return db.update(id, { n: value }, { ...options, mode: "replace" });
    case "increment":
      return db.update(id, { n: value }, { ...options, mode: "increment" });
    case "guarded":
      return db.update(id, { n: value + 1 }, { ...options, expect: { n: value } });
    case "delete":
      return db.delete(id, options);
    default:
      return db.delete(id, { ...options, expect: { n: value } });
  }
}

/** What became of it, comparable: the answer or the error's code. */
async function outcome(writing: Promise<WriteResult>): Promise<unknown> {
  try {
    return await writing;
  } catch (error) {
    if (!isDatabaseError(error)) throw error;
    return [error.code, error.effect];
  }
}

/** The order in which the writes are sent, repeats among them. */
function courseOf(writes: readonly Sent[]): readonly number[] {
  const places: (readonly [place: number, index: number])[] = [];
  for (const [index, { againAfter }] of writes.entries()) {
    places.push([index, index], ...againAfter.map((later) => [index + later + 0.5, index] as const));
  }
  return places.sort(([a], [b]) => a - b).map(([, index]) => index);
}

describe.each(["mem", "rocksdb"] as const)("any course of writes under the ledger on %s", (engine) => {
  let db: DatabaseService;
  let model: DatabaseService;
  let courses = 0;
  beforeAll(async () => {
    db = await ledgered(driverOf(engine));
    model = await ledgered(new MockDatabase());
  });
  afterAll(() => Promise.all([db.disconnect(), model.disconnect()]));

  test("with repeats at any time, also at once, answers and leaves what the model does", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(sent, { minLength: 1, maxLength: 12 }), async (writes) => {
        courses += 1;
        const collection = `course_${courses}`;
        for (const index of courseOf(writes)) {
          const one = writes[index];
          if (one === undefined) continue;
          const operationId = `${collection}-${index}`;
          const ask = (service: DatabaseService): Promise<unknown> =>
            outcome(write(service, collection, one, operationId));
          const expected = await ask(model);
          const found = await Promise.all(Array.from({ length: one.atOnce }, () => ask(db)));
          for (const answer of found) expect(answer).toEqual(expected);
          expect(await db.wasApplied(operationId)).toBe(await model.wasApplied(operationId));
        }
        expect((await db.find(collection)).items).toEqual((await model.find(collection)).items);
      }),
      { numRuns: process.env.DB_TEST_SIZE === "full" ? 500 : 40 },
    );
  });
});
