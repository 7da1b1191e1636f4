import assert from "node:assert/strict";
import { eq, type LiveChange, type LiveEvent, type LiveOptions, type ScopedService } from "@db/core";
import { rejects, sameValue, show } from "./assertions.ts";
import type { Theme } from "./conformance-case.ts";
import { scoped } from "./tenants.ts";

export const live: Theme = {
  name: "live queries",
  needs: "liveQueries",
  cases: {
    "a live query tells first that it stands, on a collection that is not there yet as well": async ({
      db,
      collection,
    }) => {
      await using changes = await follow(db, collection);
      await db.create(collection, { n: 1 }, { id: `${collection}:one` });
      sameChange(await changes.next(), { action: "create", id: `${collection}:one`, row: { n: 1 } });
    },

    "a change arrives at a live query of its collection, until the signal fires": async ({ db, collection }) => {
      const controller = new AbortController();
      await using changes = await follow(db, collection, { signal: controller.signal });
      const id = `${collection}:one`;
      const list = [1, { deep: true }];
      // One at a time: a change that arrives long after a later one of its record may be told as a gap.
      await db.create(collection, { n: 1, list }, { id });
      sameChange(await changes.next(), { action: "create", id, row: { n: 1, list } });
      await db.create(`${collection}_other`, { n: 9 });
      await db.update(id, { n: 2 });
      sameChange(await changes.next(), { action: "update", id, row: { n: 2, list } });
      await db.delete(id);
      sameChange(await changes.next(), { action: "delete", id, row: { n: 2, list } });
      const last = changes.end();
      controller.abort();
      await last;
    },

    "changes of one record arrive in the order they were made": async ({ db, collection }) => {
      await using changes = await follow(db, collection);
      const { id } = await db.create(collection, { n: 0 });
      for (let n = 1; n <= 100; n += 1) await db.update(id, { n });
      let last = -1;
      while (last < 100) {
        const event = await changes.next();
        // A gap is allowed, if it is told: what comes next must only not be older.
        if (event.action === "resync") continue;
        assert.ok(Number(event.row.n) > last, `expected a change after ${last}, got ${show(event)}`);
        last = Number(event.row.n);
      }
    },

    "a filter tells of rows that match before or after the change": async ({ db, collection }) => {
      await using changes = await follow(db, collection, { where: eq("open", true) });
      const id = `${collection}:one`;
      await db.create(collection, { open: false }, { id: `${collection}:other` });
      // One at a time: a change that arrives long after a later one of its record may be told as a gap.
      await db.create(collection, { open: true }, { id });
      sameChange(await changes.next(), { action: "create", id, row: { open: true } });
      await db.update(id, { open: false });
      sameChange(await changes.next(), { action: "update", id, row: { open: false } });
      await db.update(id, { n: 1 });
      await db.update(id, { open: true });
      sameChange(await changes.next(), { action: "update", id, row: { open: true, n: 1 } });
      await db.delete(id);
      sameChange(await changes.next(), { action: "delete", id, row: { open: true, n: 1 } });
    },

    "a consumer that falls behind gets one resync, and then what comes after it": async ({ db, collection }) => {
      const bufferSize = 5;
      await using changes = await follow(db, collection, { bufferSize });
      const { id } = await db.create(collection, { n: 0 });
      let n = 0;
      const change = async (): Promise<void> => void (await db.update(id, { n: ++n }));
      // When all of it has arrived is not told: more is changed than is read until the buffer must have overflowed.
      let hasResync = false;
      for (let round = 0; round < 20 && !hasResync; round += 1) {
        for (let changed = 0; changed < 6 * bufferSize; changed += 1) await change();
        for (let read = 0; read <= bufferSize && !hasResync; read += 1)
          hasResync = (await changes.next()).action === "resync";
      }
      assert.ok(hasResync, `expected a resync where ${n} changes met a buffer of ${bufferSize}`);
      const before = n;
      for (let read = 0; read < 1_000; read += 1) {
        await change();
        const event = await changes.next();
        if (event.action === "update" && Number(event.row.n) > before) return;
      }
      assert.fail("expected the changes after the resync");
    },

    "what a transaction rolls back is not told, what it commits is, or that it is to be read again": async ({
      db,
      collection,
      options,
    }) => {
      if (!options.capabilities.transactions) return;
      await using changes = await follow(db, collection);
      const own = new Error("roll back");
      const failing = db.transaction(async (tx) => {
        await tx.create(collection, { n: 1 });
        throw own;
      });
      await assert.rejects(failing, (error) => error === own);
      const id = `${collection}:kept`;
      await db.transaction(async (tx) => void (await tx.create(collection, { n: 2 }, { id })));
      const event = await changes.next();
      if (event.action !== "resync") sameChange(event, { action: "create", id, row: { n: 2 } });
      assert.equal((await db.read(id))?.n, 2);
    },

    "a live query of one scope hears nothing of another": async (context) => {
      if (!context.options.capabilities.scopes) return;
      const { db, collection } = context;
      const [one, two] = scoped(context);
      await using inOne = await follow(one, collection);
      await using inTwo = await follow(two, collection);
      const id = `${collection}:shared`;
      await db.create(collection, { in: "none" }, { id });
      await two.create(collection, { in: "two" }, { id });
      await one.create(collection, { in: "one" }, { id });
      sameChange(await inOne.next(), { action: "create", id, row: { in: "one" } });
      sameChange(await inTwo.next(), { action: "create", id, row: { in: "two" } });
    },

    "many live queries begin at once, on a collection that is not there": async ({ db, collection }) => {
      const all = await Promise.all(Array.from({ length: 10 }, () => follow(db, collection)));
      const { id } = await db.create(collection, { n: 1 });
      for (const changes of all) sameChange(await changes.next(), { action: "create", id, row: { n: 1 } });
      for (const changes of all) await changes[Symbol.asyncDispose]();
    },

    "a live query that nobody reads any more ends with its service": async ({ open, collection }) => {
      const { db } = await open();
      await db.connect();
      const waiting = await follow(db, collection);
      const idle = await follow(db, collection);
      const ended = waiting.end();
      await db.create(collection, { n: 1 });
      await db.disconnect();
      await ended;
      await idle.end();
    },

    "a live query that cannot be is refused": async ({ db }) => {
      await rejects(next(db.live("no collection")), "INVALID_QUERY");
      await rejects(next(db.live("notes", { bufferSize: 0 })), "VALIDATION_FAILED");
      await rejects(next(db.live("notes", { signal: AbortSignal.abort() })), "CANCELLED");
    },
  },
};

const next = (changes: AsyncIterable<LiveEvent>): Promise<unknown> => changes[Symbol.asyncIterator]().next();

/** How long a change may take to arrive. */
const PATIENCE_MS = 10_000;

/** A live query that stands, read event by event. */
interface Followed extends AsyncDisposable {
  next(): Promise<LiveEvent>;
  /** Reads on until it is done, which it must be without an error. */
  end(): Promise<void>;
}

async function follow(
  service: Pick<ScopedService, "live">,
  collection: string,
  options: LiveOptions = {},
): Promise<Followed> {
  const controller = new AbortController();
  const signals = [controller.signal, ...(options.signal === undefined ? [] : [options.signal])];
  const signal = AbortSignal.any(signals);
  const changes = service.live(collection, { ...options, signal })[Symbol.asyncIterator]();
  const read = async (): Promise<IteratorResult<LiveEvent>> => {
    const timer = setTimeout(() => controller.abort(), PATIENCE_MS);
    return changes.next().finally(() => clearTimeout(timer));
  };
  const followed: Followed = {
    async next() {
      const { done, value } = await read();
      return done === true ? assert.fail(`expected a change within ${PATIENCE_MS} ms`) : value;
    },
    async end() {
      for (let result = await read(); result.done !== true; ) result = await read();
      assert.equal(controller.signal.aborted, false, "expected the live query to be done");
    },
    async [Symbol.asyncDispose]() {
      controller.abort();
      await changes.return?.();
    },
  };
  assert.deepEqual(await followed.next(), { action: "resync", reason: "started" });
  return followed;
}

function sameChange(
  event: LiveEvent,
  { action, id, row }: { action: LiveChange["action"]; id: string; row: object },
): void {
  if (event.action === "resync") assert.fail(`expected a change, got ${show(event)}`);
  assert.deepEqual([event.action, event.id], [action, id], show(event));
  sameValue(event.row, { ...row, id }, "the row of the change");
}
