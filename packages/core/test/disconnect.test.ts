import { describe, expect, test, vi } from "vitest";
import {
  createDatabase,
  DatabaseErrorOf,
  type Driver,
  type DriverParts,
  defineDriver,
  type Layer,
  type LiveEvent,
  untilInterrupted,
} from "../src/index.ts";
import { checkLeaksAfterEach } from "./support/leaks.ts";
import { connected, failure, hang, rejection, service } from "./support/service.ts";

checkLeaksAfterEach();

/** A read that ends when the test says so. */
function held() {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  return { release: () => resolve(undefined), statements: { read: () => promise } satisfies DriverParts["statements"] };
}

describe("disconnect", () => {
  test("refuses new calls at once and lets those under way end", async () => {
    const { release, statements } = held();
    const order: string[] = [];
    const db = await connected({ statements, disconnect: async () => void order.push("driver") });
    const read = db.read("notes:1").then(() => order.push("read"));
    const closing = db.disconnect();
    expect(await failure(db.read("notes:1"))).toMatchObject({ code: "CLOSED", effect: "none" });
    expect(db.state.name).toBe("connected");
    release();
    await Promise.all([read, closing]);
    expect(order).toEqual(["read", "driver"]);
  });

  test("is one promise for all who ask", async () => {
    const db = await connected({});
    const closing = db.disconnect();
    expect(db.disconnect({ drainMs: 5 })).toBe(closing);
    await closing;
    expect(db.disconnect()).toBe(closing);
  });

  test("stops with CLOSED what is not done by its deadline", async () => {
    const db = await connected({
      statements: {
        create: (_operation, context) => untilInterrupted(hang(), context, "unknown"),
        read: (_operation, context) => untilInterrupted(hang(), context, "none"),
        update: hang,
      },
    });
    const [write, read, deaf] = [db.create("notes", {}), db.read("notes:1"), db.update("notes:1", {})].map(failure);
    await db.disconnect({ drainMs: 20 });
    expect(await write).toMatchObject({ code: "CLOSED", effect: "unknown" });
    expect(await read).toMatchObject({ code: "CLOSED", effect: "none" });
    expect(await deaf).toMatchObject({ code: "CLOSED", effect: "unknown" });
    expect(db.state.name).toBe("closed");
  });

  test("without time to drain stops at once", async () => {
    const db = await connected({
      statements: { read: (_operation, context) => untilInterrupted(hang(), context, "none") },
    });
    const read = failure(db.read("notes:1"));
    await db.disconnect({ drainMs: 0 });
    expect(await read).toMatchObject({ code: "CLOSED" });
  });

  test("is not held up by calls that what it stops begins anew", async () => {
    const db = await connected({
      statements: { read: (_operation, context) => untilInterrupted(hang(), context, "none") },
    });
    const again: Promise<unknown>[] = [];
    const read = db.read("notes:1").catch(() => {
      again.push(failure(db.read("notes:1")));
    });
    await db.disconnect({ drainMs: 0 });
    await read;
    expect(await again[0]).toMatchObject({ code: "CLOSED" });
  });

  test("ends a connect that is under way", async () => {
    const db = service({ connect: (context) => untilInterrupted(hang(), context, "none") });
    const connecting = failure(db.connect());
    await db.disconnect({ drainMs: 0 });
    expect(await connecting).toMatchObject({ code: "CLOSED" });
  });

  test.each([[-1], [Number.NaN], [2 ** 31], ["5"], [Number.POSITIVE_INFINITY]])(
    "with a deadline of %o refuses, closes nothing, and may be called again",
    async (drainMs) => {
      const { release, statements } = held();
      const db = await connected({ statements });
      const read = db.read("notes:1");
      expect(await failure(db.disconnect({ drainMs: drainMs as number }))).toMatchObject({ code: "VALIDATION_FAILED" });
      expect(db.state.name).toBe("connected");
      release();
      await read;
      await db.disconnect();
      expect(db.state.name).toBe("closed");
    },
  );

  test("refuses an option that it does not know", async () => {
    const db = await connected({});
    expect(await failure(db.disconnect({ drain: 5 } as object))).toMatchObject({ code: "VALIDATION_FAILED" });
    expect(await failure(db.disconnect(null as never))).toMatchObject({ code: "VALIDATION_FAILED" });
  });
});

describe("what is closed", () => {
  const closing =
    (name: string, order: string[], close: () => Promise<void> = async () => {}): Layer =>
    (next, host) => {
      host.onClose((signal) => {
        expect(signal.aborted).toBe(false);
        order.push(name);
        return close();
      });
      return next;
    };

  test("the layers, outermost first, and then the driver", async () => {
    const order: string[] = [];
    const layers = [closing("outer", order), closing("middle", order), closing("inner", order)];
    const db = await connected({ disconnect: async () => void order.push("driver") }, { layers });
    await db.disconnect();
    expect(order).toEqual(["outer", "middle", "inner", "driver"]);
  });

  test("all of them, whichever fails; the failure is the caller's to see", async () => {
    const order: string[] = [];
    const fault = new DatabaseErrorOf("INTERNAL", "a disk is full", {});
    const layers = [closing("outer", order, () => Promise.reject(fault)), closing("inner", order)];
    const db = await connected({ disconnect: async () => void order.push("driver") }, { layers });
    expect(await rejection(db.disconnect())).toBe(fault);
    expect(order).toEqual(["outer", "inner", "driver"]);
    expect(db.state.name).toBe("closed");
  });

  test("several failures come as one, with all of them as its cause", async () => {
    const layers = [closing("outer", [], () => Promise.reject(new Error("one")))];
    const db = await connected({ disconnect: () => Promise.reject(new Error("two")) }, { layers });
    const error = await failure(db.disconnect());
    expect(error).toMatchObject({ code: "INTERNAL" });
    expect((error.cause as AggregateError).errors.map((one) => one.cause.message)).toEqual(["one", "two"]);
  });

  test("a layer that never closes does not keep the driver open", async () => {
    vi.useFakeTimers();
    const order: string[] = [];
    const disconnect = async (): Promise<void> => void order.push("driver");
    const db = await connected({ disconnect }, { layers: [closing("outer", order, hang)] });
    const failed = failure(db.disconnect());
    await vi.advanceTimersByTimeAsync(10_100);
    expect(await failed).toMatchObject({ code: "QUERY_TIMEOUT" });
    expect(order).toEqual(["outer", "driver"]);
    vi.useRealTimers();
  });
});

describe("a live query", () => {
  const changed = (n: number): LiveEvent => ({ action: "update", id: "notes:1", row: { id: "notes:1", n } });
  /** Gives 1, 2, 3 … until its signal fires. */
  async function* counting(signal: AbortSignal): AsyncGenerator<LiveEvent> {
    for (let count = 1; ; count += 1) {
      yield changed(count);
      if (signal.aborted) throw signal.reason;
    }
  }
  const parts: Partial<DriverParts> = {
    capabilities: { liveQueries: true },
    live: (_query, { signal }) => counting(signal),
  };

  test("gives what the driver gives, until the consumer stops", async () => {
    const db = await connected(parts);
    const seen: unknown[] = [];
    for await (const change of db.live("notes")) if (seen.push(change) === 3) break;
    expect(seen).toEqual([1, 2, 3].map(changed));
  });

  test("ends with the caller's signal, or the service", async () => {
    const db = await connected(parts);
    const controller = new AbortController();
    const [mine, its] = [db.live("notes", { signal: controller.signal }), db.live("notes")].map((all) =>
      all[Symbol.asyncIterator](),
    );
    await Promise.all([mine?.next(), its?.next()]);
    controller.abort("enough");
    expect(await rejection(mine?.next() ?? hang())).toMatchObject({ code: "CANCELLED", cause: "enough" });
    expect(await its?.next()).toEqual({ done: false, value: changed(2) });
    await db.disconnect();
    expect(await rejection(its?.next() ?? hang())).toMatchObject({ code: "CLOSED" });
  });

  test("that has ended is forgotten: nothing grows with their number", async () => {
    const signals: WeakRef<AbortSignal>[] = [];
    const db = await connected({
      ...parts,
      live: (_query, { signal }) => {
        signals.push(new WeakRef(signal));
        return counting(signal);
      },
    });
    for (let count = 0; count < 50; count += 1) for await (const _change of db.live("notes")) break;
    const { setFlagsFromString } = await import("node:v8");
    const { runInNewContext } = await import("node:vm");
    setFlagsFromString("--expose-gc");
    const gc = runInNewContext("gc") as () => void;
    await new Promise((resolve) => setImmediate(resolve));
    gc();
    expect(signals.filter((signal) => signal.deref() !== undefined).length).toBeLessThan(10);
  });

  test("is refused where the driver has none, and before the connection", async () => {
    const first = (db: ReturnType<typeof service>) => db.live("notes")[Symbol.asyncIterator]().next();
    expect(await failure(first(await connected({})))).toMatchObject({ code: "UNSUPPORTED" });
    const unable = await connected({ ...parts, capabilities: {} });
    expect(await failure(first(unable))).toMatchObject({
      code: "UNSUPPORTED",
      facts: { feature: "a live query on fake" },
    });
    // What a driver can do may be known only once it is connected.
    expect(await failure(first(service({})))).toMatchObject({ code: "NOT_CONNECTED" });
  });
});

test("the driver that a layer sees is the driver, whose state it may watch", async () => {
  const seen: string[] = [];
  const driver: Driver = defineDriver({ name: "fake", statements: {}, capabilities: { scopes: true } });
  const watch: Layer = (next, host) => {
    seen.push(host.driver.name, String(host.driver.capabilities.scopes), host.driver.state.name);
    host.driver.onStateChange((state) => seen.push(state.name));
    return next;
  };
  const db = createDatabase({ driver, layers: [watch] });
  await db.connect();
  await db.disconnect();
  expect(seen).toEqual(["fake", "true", "disconnected", "connecting", "connected", "closed"]);
});
