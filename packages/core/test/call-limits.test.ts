import { getEventListeners } from "node:events";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { attemptTimeout, type CallContext, interrupted, type Layer, untilInterrupted } from "../src/index.ts";
import { checkLeaksAfterEach } from "./support/leaks.ts";
import { connected, failure, hang } from "./support/service.ts";

checkLeaksAfterEach();

/** A driver that listens, as a good one does. */
const listens = (_operation: unknown, context: CallContext): Promise<never> =>
  untilInterrupted(hang(), context, "none");

describe("a deadline", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test("of 30 seconds ends a call that brings none", async () => {
    const db = await connected({ statements: { read: listens } });
    const failed = failure(db.read("notes:1"));
    await vi.advanceTimersByTimeAsync(29_999);
    expect(vi.getTimerCount()).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(await failed).toMatchObject({ code: "QUERY_TIMEOUT", effect: "none", facts: { timeoutMs: 30_000 } });
  });

  test("is the service's where it was told, and the call's own before that", async () => {
    const db = await connected({ statements: { read: listens } }, { timeoutMs: 500 });
    const [one, other] = [failure(db.read("notes:1")), failure(db.read("notes:1", { timeoutMs: 200 }))];
    await vi.advanceTimersByTimeAsync(200);
    expect(await other).toMatchObject({ facts: { timeoutMs: 200 } });
    await vi.advanceTimersByTimeAsync(300);
    expect(await one).toMatchObject({ facts: { timeoutMs: 500 } });
  });

  test("fires the driver's signal, with the error as its reason", async () => {
    let reason: unknown;
    const db = await connected({
      statements: {
        read: async (_operation, context) => {
          await untilInterrupted(hang(), context, "none").catch(() => {});
          reason = context.signal.reason;
          expect(context.aborted).toBe(true);
          throw interrupted(context, "none");
        },
      },
    });
    const failed = failure(db.read("notes:1", { timeoutMs: 50 }));
    await vi.advanceTimersByTimeAsync(50);
    expect(await failed).toBe(reason);
  });

  test("leaves the driver 100 ms to say what became of the data, and then speaks for it", async () => {
    const db = await connected({ statements: { create: hang, read: hang, query: hang } });
    const calls = [
      failure(db.create("notes", {}, { timeoutMs: 50 })),
      failure(db.query("X", {}, { timeoutMs: 50 })),
      failure(db.query("X", {}, { timeoutMs: 50, access: "read" })),
      failure(db.read("notes:1", { timeoutMs: 50 })),
    ];
    let ended = 0;
    for (const call of calls) void call.then(() => (ended += 1));
    await vi.advanceTimersByTimeAsync(149);
    expect(ended).toBe(0);
    await vi.advanceTimersByTimeAsync(1);
    expect((await Promise.all(calls)).map((error) => [error.code, error.effect])).toEqual([
      ["QUERY_TIMEOUT", "unknown"],
      ["QUERY_TIMEOUT", "unknown"],
      ["QUERY_TIMEOUT", "none"],
      ["QUERY_TIMEOUT", "none"],
    ]);
  });

  test("what the driver says within the grace holds, also a success", async () => {
    const late = (_operation: unknown, { signal }: CallContext): Promise<never> =>
      new Promise((resolve) =>
        signal.addEventListener("abort", () => setTimeout(() => resolve({ id: "notes:1" } as never), 99)),
      );
    const db = await connected({ statements: { read: late } });
    const read = db.read("notes:1", { timeoutMs: 50 });
    await vi.advanceTimersByTimeAsync(149);
    expect(await read).toEqual({ id: "notes:1" });
  });

  test("what comes after the grace is dropped without a trace", async () => {
    const fates: ((fate: Promise<never>) => void)[] = [];
    const db = await connected({ statements: { read: () => new Promise((resolve) => fates.push(resolve)) } });
    const failed = failure(db.read("notes:1", { timeoutMs: 50 }));
    await vi.advanceTimersByTimeAsync(150);
    expect(await failed).toMatchObject({ code: "QUERY_TIMEOUT" });
    fates[0]?.(Promise.reject(new Error("late")));
    await vi.advanceTimersByTimeAsync(1_000);
  });

  test("of an attempt ends the attempt and leaves the call its time", async () => {
    const deadlines: number[] = [];
    const twice: Layer = (next) => (operation, context) =>
      next(operation, context).catch(() => next(operation, context));
    const db = await connected(
      {
        statements: {
          read: (operation, context) => {
            deadlines.push(context.deadline - performance.now());
            return listens(operation, context);
          },
        },
      },
      { layers: [twice, attemptTimeout({ timeoutMs: 300 })] },
    );
    const failed = failure(db.read("notes:1", { timeoutMs: 1_000 }));
    await vi.advanceTimersByTimeAsync(600);
    expect(await failed).toMatchObject({ code: "QUERY_TIMEOUT", facts: { timeoutMs: 300 } });
    expect(deadlines).toEqual([300, 300]);
  });
});

describe("the caller's signal", () => {
  test("that has fired already runs nothing", async () => {
    const create = vi.fn(hang);
    const layer = vi.fn<Layer>((next) => next);
    const db = await connected({ statements: { create } }, { layers: [layer] });
    const reason = { why: "gone" };
    const error = await failure(db.create("notes", {}, { signal: AbortSignal.abort(reason) }));
    expect(error).toMatchObject({ code: "CANCELLED", effect: "none", retryable: false });
    expect(error.cause).toBe(reason);
    expect(create).not.toHaveBeenCalled();
  });

  test("ends a call under way, its reason kept as the cause", async () => {
    const controller = new AbortController();
    const db = await connected({ statements: { create: listens } });
    const failed = failure(db.create("notes", {}, { signal: controller.signal }));
    const reason = Symbol("any value at all");
    controller.abort(reason);
    const error = await failed;
    expect(error).toMatchObject({ code: "CANCELLED", effect: "none" });
    expect(error.cause).toBe(reason);
  });

  test("ends also a call whose driver does not listen", async () => {
    const controller = new AbortController();
    const db = await connected({ statements: { create: hang } });
    const failed = failure(db.create("notes", {}, { signal: controller.signal }));
    controller.abort();
    expect(await failed).toMatchObject({ code: "CANCELLED", effect: "unknown" });
  });

  test("works for what is no operation too", async () => {
    const db = await connected({ version: hang, ping: hang });
    const signal = AbortSignal.abort("gone");
    expect(await failure(db.version({ signal }))).toMatchObject({ code: "CANCELLED", cause: "gone" });
  });

  test("that lives long keeps no listener, after 10,000 calls of every fate", async () => {
    const { signal } = new AbortController();
    let count = 0;
    const db = await connected(
      {
        statements: {
          read: async (_operation, context) => {
            count += 1;
            if (count % 3 === 0) throw new Error("no");
            if (count % 3 === 1) context.signal.throwIfAborted();
            return undefined;
          },
        },
      },
      { layers: [attemptTimeout()] },
    );
    for (let call = 0; call < 10_000; call += 1) await db.read("notes:1", { signal }).catch(() => {});
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });

  test("may serve a thousand calls at once without a warning", async () => {
    const warnings: Error[] = [];
    const note = (warning: Error): void => void warnings.push(warning);
    process.on("warning", note);
    const { signal } = new AbortController();
    const db = await connected({ statements: { read: async () => undefined } });
    await Promise.all(Array.from({ length: 1_000 }, () => db.read("notes:1", { signal })));
    await new Promise((resolve) => setImmediate(resolve));
    process.off("warning", note);
    expect(warnings).toEqual([]);
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });

  test("keeps no listener of an attempt that never settles", async () => {
    const controller = new AbortController();
    const impatient: Layer = (next) => (operation, context) =>
      context.within({ timeoutMs: 10, signal: controller.signal }, (inner) => next(operation, inner));
    const db = await connected({ statements: { read: hang } }, { layers: [impatient] });
    expect(await failure(db.read("notes:1", { timeoutMs: 20 }))).toMatchObject({ code: "QUERY_TIMEOUT" });
    expect(getEventListeners(controller.signal, "abort")).toHaveLength(0);
  });
});
