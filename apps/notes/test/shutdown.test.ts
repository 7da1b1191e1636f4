import { EventEmitter } from "node:events";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { listenForShutdown } from "../src/shutdown.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance"], now: 0 });
  vi.advanceTimersByTime(1_000);
});
afterEach(() => {
  vi.useRealTimers();
});

test.each(["SIGTERM", "SIGINT"])("%s asks for the end once; a later one for the end at once", async (signal) => {
  const signals = new EventEmitter();
  const giveUp = vi.fn();
  const shutdown = listenForShutdown(signals, giveUp);
  expect(shutdown.isDraining).toBe(false);
  signals.emit(signal, signal);
  expect(shutdown.isDraining).toBe(true);
  expect(await shutdown.requested).toBe(signal);
  vi.advanceTimersByTime(251);
  signals.emit("SIGINT", "SIGINT");
  expect(giveUp).toHaveBeenCalledOnce();
});

test("the second signal that npm sends for the same Ctrl-C changes nothing", () => {
  const signals = new EventEmitter();
  const giveUp = vi.fn();
  listenForShutdown(signals, giveUp);
  signals.emit("SIGINT", "SIGINT");
  vi.advanceTimersByTime(50);
  signals.emit("SIGINT", "SIGINT");
  expect(giveUp).not.toHaveBeenCalled();
});
