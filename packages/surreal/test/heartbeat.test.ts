import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Heartbeat } from "../src/heartbeat.ts";

let received: number;
let unsent: number;
let pings: number;
let dead: number;
let heartbeat: Heartbeat;

beforeEach(() => {
  vi.useFakeTimers();
  received = 0;
  unsent = 0;
  pings = 0;
  dead = 0;
  heartbeat = new Heartbeat({
    intervalMs: 1_000,
    timeoutMs: 500,
    received: () => received,
    unsent: () => unsent,
    ping: () => {
      pings += 1;
    },
    dead: () => {
      dead += 1;
      heartbeat.stop();
    },
  });
});
afterEach(() => {
  heartbeat.stop();
  vi.useRealTimers();
});

test("a peer that talks is not pinged", async () => {
  for (let n = 0; n < 20; n += 1) {
    received += 1;
    await vi.advanceTimersByTimeAsync(300);
  }
  expect([pings, dead]).toEqual([0, 0]);
});

test("a silent peer that answers pings lives", async () => {
  for (let n = 0; n < 20; n += 1) {
    await vi.advanceTimersByTimeAsync(250);
    heartbeat.heard();
  }
  expect(pings).toBeGreaterThan(3);
  expect(dead).toBe(0);
});

test("silence is pinged after the interval and dead after the timeout, whenever it began", async () => {
  for (let n = 0; n < 7; n += 1) {
    received += 1;
    await vi.advanceTimersByTimeAsync(130);
  }
  received += 1;
  await vi.advanceTimersByTimeAsync(1_000);
  expect(pings).toBe(1);
  await vi.advanceTimersByTimeAsync(510);
  expect(dead).toBe(1);
});

test("a ping behind a large request has the time that it takes, and no more", async () => {
  unsent = 256_000;
  const alive = heartbeat.check();
  await vi.advanceTimersByTimeAsync(1_490);
  expect(dead).toBe(0);
  await vi.advanceTimersByTimeAsync(20);
  expect([await alive, dead]).toEqual([false, 1]);
});

test("a part of a long message is a sign of life", async () => {
  const alive = heartbeat.check();
  received += 1;
  await vi.advanceTimersByTimeAsync(600);
  expect(await alive).toBe(true);
  expect(dead).toBe(0);
});

test("those who ask at once share one ping and its answer", async () => {
  const asked = [heartbeat.check(), heartbeat.check()];
  heartbeat.heard();
  expect(await Promise.all(asked)).toEqual([true, true]);
  expect(pings).toBe(1);
});

test("who asks as the connection ends is told no", async () => {
  const asked = heartbeat.check();
  heartbeat.stop();
  expect(await asked).toBe(false);
  await vi.advanceTimersByTimeAsync(5_000);
  expect([pings, dead]).toEqual([1, 0]);
});
