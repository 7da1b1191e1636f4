import { getEventListeners } from "node:events";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { withTimeout } from "../src/index.ts";
import { failure, hang, rejection } from "./support/service.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

test("work that ends in time gives its own result or error", async () => {
  expect(await withTimeout(async () => 5, { timeoutMs: 100 })).toBe(5);
  const mine = new Error("mine");
  expect(await rejection(withTimeout(() => Promise.reject(mine), { timeoutMs: 100 }))).toBe(mine);
});

test("work that never settles is left at the timeout, its signal fired", async () => {
  let signal: AbortSignal | undefined;
  const failed = failure(
    withTimeout(
      (given) => {
        signal = given;
        return hang();
      },
      { timeoutMs: 100 },
    ),
  );
  await vi.advanceTimersByTimeAsync(100);
  const error = await failed;
  expect(error).toMatchObject({ code: "QUERY_TIMEOUT", facts: { timeoutMs: 100 } });
  expect(signal?.reason).toBe(error);
});

test("the caller's abort ends it with CANCELLED, the reason as the cause", async () => {
  const controller = new AbortController();
  const failed = failure(withTimeout(hang, { timeoutMs: 100, signal: controller.signal }));
  const reason = { why: "gone" };
  controller.abort(reason);
  const error = await failed;
  expect(error.code).toBe("CANCELLED");
  expect(error.cause).toBe(reason);
  expect(getEventListeners(controller.signal, "abort")).toHaveLength(0);
});

test("a signal that has fired already runs nothing", async () => {
  const work = vi.fn(hang);
  const error = await failure(withTimeout(work, { timeoutMs: 100, signal: AbortSignal.abort("gone") }));
  expect(error).toMatchObject({ code: "CANCELLED", cause: "gone" });
  expect(work).not.toHaveBeenCalled();
});

test("no listener stays on a signal that lives on", async () => {
  const { signal } = new AbortController();
  for (let count = 0; count < 1_000; count += 1) {
    await withTimeout(async () => {}, { timeoutMs: 100, signal });
    await rejection(withTimeout(() => Promise.reject(new Error("no")), { timeoutMs: 100, signal }));
  }
  expect(getEventListeners(signal, "abort")).toHaveLength(0);
});

test("work that throws at once, or gives no promise, rejects", async () => {
  const mine = new Error("mine");
  const boom = (): never => {
    throw mine;
  };
  expect(await rejection(withTimeout(boom, { timeoutMs: 100 }))).toBe(mine);
  expect(await rejection(withTimeout((() => 5) as never, { timeoutMs: 100 }))).toBeInstanceOf(TypeError);
});

test("a rejection that comes after the end is dropped without an unhandledRejection", async () => {
  const late = Promise.withResolvers<never>();
  const failed = failure(withTimeout(() => late.promise, { timeoutMs: 100 }));
  await vi.advanceTimersByTimeAsync(100);
  await failed;
  late.reject(new Error("late"));
  vi.useRealTimers();
  await new Promise((resolve) => setImmediate(resolve));
  vi.useFakeTimers();
});
