import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import {
  attemptTimeout,
  createDatabase,
  defineDriver,
  type Layer,
  mapConcurrent,
  type Operation,
  withTimeout,
} from "../src/index.ts";

test("what is written is what was passed, whatever its owner does to it afterwards", async () => {
  const gate = Promise.withResolvers<void>();
  const seen: Operation[] = [];
  const later: Layer = (next) => (operation, context) => gate.promise.then(() => next(operation, context));
  const driver = defineDriver({
    name: "recording",
    statements: {
      create: async (operation, { operationId }) => {
        seen.push(operation);
        return { id: operation.id, operationId, status: "committed" };
      },
      query: async (operation) => {
        seen.push(operation);
        return [];
      },
    },
  });
  const db = createDatabase({ driver, layers: [later] });
  await db.connect();
  const data = { tags: ["a"], at: new Date(0), bytes: Uint8Array.of(1) };
  const calls = [db.create("notes", data), db.query("RETURN $data", { data })];
  data.tags.push("b");
  data.at.setTime(1);
  data.bytes[0] = 2;
  gate.resolve();
  await Promise.all(calls);
  const written = { tags: ["a"], at: new Date(0), bytes: Uint8Array.of(1) };
  expect(seen).toMatchObject([{ data: written }, { params: { data: written } }]);
});

test("once the signal has fired no layer can start anything on the driver", async () => {
  let started = 0;
  const driver = defineDriver({
    name: "counting",
    statements: {
      delete: async () => {
        started += 1;
        throw new Error("never");
      },
    },
  });
  const careless: Layer = (next) => async (operation, context) => {
    await new Promise((resolve) => context.signal.addEventListener("abort", resolve));
    return next(operation, context);
  };
  const db = createDatabase({ driver, layers: [careless] });
  await db.connect();
  await expect(db.delete("notes:1", { timeoutMs: 5 })).rejects.toMatchObject({ code: "QUERY_TIMEOUT", effect: "none" });
  expect(started).toBe(0);
});

test("the driver is closed only after the rollback of a transaction that was cut off", async () => {
  const events: string[] = [];
  const rollback = Promise.withResolvers<void>();
  const driver = defineDriver({
    name: "slow to undo",
    capabilities: { transactions: true },
    statements: {},
    begin: async () => ({
      statements: driver.statements,
      commit: async () => {},
      rollback: async () => {
        await rollback.promise;
        events.push("rolled back");
      },
    }),
    disconnect: async () => {
      events.push("closed");
    },
  });
  const db = createDatabase({ driver });
  await db.connect();
  const cut = db.transaction(() => new Promise(() => {}), { timeoutMs: 5 });
  await expect(cut).rejects.toMatchObject({ code: "QUERY_TIMEOUT", effect: "none" });
  const closing = db.disconnect();
  rollback.resolve();
  await closing;
  expect(events).toEqual(["rolled back", "closed"]);
});

test("a layer that returns no function is found when the service is made", () => {
  const driver = defineDriver({ name: "any", statements: {} });
  const broken = (() => undefined) as unknown as Layer;
  expect(() => createDatabase({ driver, layers: [broken] })).toThrow(
    /layers\[0\]: expected a layer that returns a function/,
  );
});

test("a driver that passes the signal's reason on does not claim that a write did nothing", async () => {
  const passing = (signal: AbortSignal): Promise<never> =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  const driver = defineDriver({
    name: "passing",
    statements: { delete: (_, { signal }) => passing(signal), read: (_, { signal }) => passing(signal) },
  });
  const db = createDatabase({ driver, layers: [attemptTimeout({ timeoutMs: 5 })] });
  await db.connect();
  await expect(db.delete("notes:1")).rejects.toMatchObject({ code: "QUERY_TIMEOUT", effect: "unknown" });
  await expect(db.read("notes:1")).rejects.toMatchObject({ code: "QUERY_TIMEOUT", effect: "none" });
  await expect(db.delete("notes:1", { signal: AbortSignal.abort() })).rejects.toMatchObject({ effect: "none" });
});

test("withTimeout says that it does not know what the work did, unless it never began", async () => {
  const forever = (): Promise<never> => new Promise(() => {});
  await expect(withTimeout(forever, { timeoutMs: 5 })).rejects.toMatchObject({ effect: "unknown" });
  const signal = AbortSignal.abort();
  await expect(withTimeout(forever, { timeoutMs: 5, signal })).rejects.toMatchObject({ effect: "none" });
});

test("mapConcurrent does not wait for a source that hangs once the signal has fired", async () => {
  const hanging = { [Symbol.asyncIterator]: () => ({ next: (): Promise<never> => new Promise(() => {}) }) };
  const reason = new Error("enough");
  const controller = new AbortController();
  const mapped = mapConcurrent(hanging, async () => {}, { signal: controller.signal });
  controller.abort(reason);
  await expect(mapped).rejects.toBe(reason);
  expect(getEventListeners(controller.signal, "abort")).toHaveLength(0);
});
