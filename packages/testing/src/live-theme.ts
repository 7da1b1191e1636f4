import assert from "node:assert/strict";
import type { Theme } from "./conformance-case.ts";

export const live: Theme = {
  name: "live queries",
  needs: "liveQueries",
  cases: {
    "a change arrives at a live query of its collection, until the signal fires": async ({ db, collection }) => {
      const controller = new AbortController();
      const changes = db.live(collection, { signal: controller.signal })[Symbol.asyncIterator]();
      let arrived = false;
      const first = changes.next().finally(() => {
        arrived = true;
      });
      // When the subscription stands is not told, so changes are made until one arrives.
      for (let n = 0; n < 200 && !arrived; n += 1) {
        await db.create(collection, { n });
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      assert.equal(arrived, true, "expected a change to arrive");
      assert.equal((await first).done, false);
      controller.abort();
      for (let n = 0; n < 1_000; n += 1) {
        const next = await changes.next().catch(() => ({ done: true }));
        if (next.done === true) return;
      }
      assert.fail("expected the live query to end with its signal");
    },
  },
};
