import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import type { CallContext, Layer } from "@db/core";
import type { Theme } from "./conformance-case.ts";
import { settled } from "./settling.ts";

export const listeners: Theme = {
  name: "listeners",
  cases: {
    "no call leaves a listener on a signal that lives on": async ({ db, collection }) => {
      const { signal } = new AbortController();
      for (let n = 0; n < 20; n += 1) {
        const { id } = await db.create(collection, { n }, { signal });
        await db.update(id, { n: 1 }, { mode: "increment", signal });
        await db.read(id, { signal });
        await db.find(collection, {}, { signal });
        await db.count(collection, undefined, { signal });
        await settled(db.create(collection, {}, { id, signal }));
        await settled(db.query("nothing", {}, { signal }));
        await settled(db.transaction(async (tx) => tx.read(id, { signal }), { signal }));
        await db.delete(id, { signal });
      }
      assert.equal(getEventListeners(signal, "abort").length, 0);
    },

    "the driver leaves no listener on the signal it was handed": async (context) => {
      const contexts: CallContext[] = [];
      const { collection } = context;
      const db = context.facade({ layers: [handingOn(contexts)] });
      const { id } = await db.create(collection, { n: 1 });
      await db.update(id, { n: 2 });
      await db.read(id);
      await db.find(collection);
      await db.count(collection);
      await settled(db.create(collection, {}, { id }));
      await settled(
        db.transaction(async (tx) => {
          await tx.update(id, { n: 3 });
          await tx.read(id);
        }),
      );
      await db.delete(id);
      const left = contexts.map(({ signal }) => getEventListeners(signal, "abort").length);
      assert.deepEqual(
        left,
        contexts.map(() => 0),
      );
    },
  },
};

/** Makes every call's signal, as a layer that listens does, and keeps it to be looked at. */
function handingOn(contexts: CallContext[]): Layer {
  return (next) => (operation, context) => {
    assert.equal(context.signal.aborted, false);
    contexts.push(context);
    return next(operation, context);
  };
}
