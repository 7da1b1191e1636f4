import assert from "node:assert/strict";
import type { ConnectionState, DatabaseService, ErrorCode } from "@db/core";
import { isStored, rejects } from "./assertions.ts";
import type { Theme } from "./conformance-case.ts";
import { settled } from "./settling.ts";

export const lifecycle: Theme = {
  name: "lifecycle",
  cases: {
    "before connect every call is NOT_CONNECTED": async ({ open, collection }) => {
      const { db } = await open();
      assert.equal(db.state.name, "disconnected");
      await everyCallRejects(db, collection, "NOT_CONNECTED");
      const health = await db.healthCheck();
      assert.equal(health.status, "unhealthy");
    },

    "connect goes from disconnected through connecting to connected": async ({ open, collection }) => {
      const { db, driver } = await open();
      const states: ConnectionState["name"][] = [];
      const unsubscribe = driver.onStateChange((state) => states.push(state.name));
      await Promise.all([db.connect(), db.connect()]);
      await db.connect();
      assert.deepEqual(states, ["connecting", "connected"]);
      unsubscribe();
      const { id } = await db.create(collection, { n: 1 });
      await isStored(db, id, { n: 1 });
      await db.disconnect();
      assert.deepEqual(states, ["connecting", "connected"]);
    },

    "a connected service is healthy and tells how long it took": async ({ db }) => {
      assert.equal(db.state.name, "connected");
      const health = await db.healthCheck();
      assert.equal(health.status, "healthy");
      if (health.status === "healthy") assert.ok(health.responseTimeMs >= 0 && health.responseTimeMs < 5_000);
    },

    "a connected service tells the database's version": async ({ db }) => {
      const version = await db.version();
      assert.ok(typeof version === "string" && version.length > 0);
    },

    "after disconnect every call is CLOSED": async ({ open, collection }) => {
      const { db } = await open();
      await db.connect();
      await db.create(collection, { n: 1 });
      await db.disconnect();
      assert.equal(db.state.name, "closed");
      await everyCallRejects(db, collection, "CLOSED");
      await rejects(db.connect(), "CLOSED");
      assert.equal((await db.healthCheck()).status, "unhealthy");
    },

    "disconnect may be called twice, and at once": async ({ open }) => {
      const { db } = await open();
      await db.connect();
      await Promise.all([db.disconnect(), db.disconnect()]);
      await db.disconnect();
      assert.equal(db.state.name, "closed");
    },

    "disconnect before connect closes for good": async ({ open }) => {
      const { db } = await open();
      await db.disconnect();
      await rejects(db.connect(), "CLOSED");
    },

    "disconnect lets calls under way end": async ({ open, collection }) => {
      const { db } = await open();
      await db.connect();
      const calls = Array.from({ length: 50 }, (_, n) => settled(db.create(collection, { n })));
      const closing = db.disconnect();
      await rejects(db.create(collection, {}), "CLOSED");
      const ends = await Promise.all(calls);
      await closing;
      const failed = ends.filter((end) => end.status === "failed");
      assert.deepEqual(failed, [], "expected all calls that were under way to succeed");
    },

    "a connect that is aborted before it begins can be tried again": async ({ open, collection }) => {
      const { db } = await open();
      await rejects(db.connect({ signal: AbortSignal.abort(new Error("not now")) }), "CANCELLED");
      await db.connect();
      await db.create(collection, { n: 1 });
      assert.equal(await db.count(collection), 1);
    },

    "await using disconnects": async ({ open, collection }) => {
      const { db } = await open();
      {
        await using service = db;
        await service.connect();
        await service.create(collection, {});
      }
      assert.equal(db.state.name, "closed");
    },
  },
};

async function everyCallRejects(db: DatabaseService, collection: string, code: ErrorCode): Promise<void> {
  const id = `${collection}:one`;
  const calls: readonly (readonly [string, Promise<unknown>])[] = [
    ["create", db.create(collection, {})],
    ["read", db.read(id)],
    ["update", db.update(id, { n: 1 })],
    ["delete", db.delete(id)],
    ["exists", db.exists(id)],
    ["count", db.count(collection)],
    ["find", db.find(collection)],
    ["query", db.query("nothing")],
    ["transaction", db.transaction(async () => {})],
    ["version", db.version()],
    ["wasApplied", db.wasApplied("op")],
  ];
  await Promise.all(calls.map(([what, call]) => rejects(call, code, { what })));
}
