import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test, vi } from "vitest";
import { Course } from "../lab/course.ts";
import { Lab, type Report } from "../lab/lab.ts";
import type { Scenario } from "../lab/scenarios.ts";
import { Standstill } from "../lab/standstill.ts";
import { startWorld } from "./lab-world.ts";

const LIMIT_MS = 2_000;
const limits = { timeout: 30_000 };

function standStill(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end; );
}

/** Plays a fault of 50 ms, after which the service says 202 for so long. */
async function playRecovery(recoversMs: number, then: () => void = () => {}): Promise<Report> {
  let recoversAt = Number.POSITIVE_INFINITY;
  const world = await startWorld({ status: () => (performance.now() < recoversAt ? 202 : 201) });
  await using lab = new Lab(world, 50);
  const play: Scenario["play"] = async () => {
    await sleep(50);
    recoversAt = performance.now() + recoversMs;
    setImmediate(then);
  };
  return await lab.play({ name: "cut", title: "cut", play });
}

test(
  "a recovery that comes within its two seconds is waited for, and one that comes later is not in time",
  limits,
  async () => {
    const { faults, recoveredMs } = await playRecovery(1_700);
    expect(faults).toEqual([]);
    expect(recoveredMs).toBeGreaterThanOrEqual(1_700);
    expect((await playRecovery(4_000)).faults).toEqual([
      expect.stringMatching(/the first 201 came \w+ ms after the end/),
    ]);
  },
);

test("what the lab sees late because it stood still itself is no fault, and is told", limits, async () => {
  const { faults, recoveredMs, standstillMs } = await playRecovery(0, () => standStill(2_300));
  expect(faults).toEqual([]);
  expect(recoveredMs).toBeGreaterThan(2_000);
  expect(standstillMs).toBeGreaterThan(2_000);
});

test("a standstill is what a timer is late by, where that is much", () => {
  vi.useFakeTimers({ toFake: ["performance", "setInterval", "clearInterval"] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  using standstill = new Standstill();
  vi.advanceTimersByTime(5_000);
  expect(standstill.totalMs).toBe(0);
  const now = performance.now();
  const later = vi.spyOn(performance, "now").mockReturnValue(now + 90);
  expect(standstill.totalMs).toBe(0);
  later.mockReturnValue(now + 90 + 2_020);
  expect(standstill.totalMs).toBe(2_000);
  expect(standstill.totalMs).toBe(2_000);
});

test("an outage that grew as old as the limit may be refused until it is over, however short it was to be", () => {
  const start = performance.now();
  const course = new Course(LIMIT_MS);
  course.answered("queued", start + 100, start + 90);
  course.liftedAt = start + 1_200;
  course.answered("refused", start + LIMIT_MS + 100, start + LIMIT_MS + 90);
  course.answered("confirmed", start + LIMIT_MS + 400, start + LIMIT_MS + 390);
  // Asked before anybody knew of the recovery.
  course.answered("refused", start + LIMIT_MS + 410, start + LIMIT_MS + 395);
  expect([course.undue, course.hasRecovered]).toEqual([0, true]);
});

test.each([
  ["before it is as old as the limit", 1_900, 5_000],
  ["after the recovery", 2_600, 2_500],
])("a write that is refused %s is refused without need", (_when, askedMs, recoveredMs) => {
  const start = performance.now();
  const course = new Course(LIMIT_MS);
  course.liftedAt = start + 1_200;
  if (recoveredMs < askedMs) course.answered("confirmed", start + recoveredMs, start + recoveredMs - 5);
  course.answered("refused", start + askedMs + 5, start + askedMs);
  expect(course.undue).toBe(1);
});
