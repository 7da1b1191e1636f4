import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test, vi } from "vitest";
import { Course } from "../lab/course.ts";
import { Lab, type Report } from "../lab/lab.ts";
import type { Answer } from "../lab/ledger.ts";
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
  expect(standstillMs.recovered).toBeGreaterThan(2_000);
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

test("a standstill excuses only what it falls into", () => {
  const standstill = { totalMs: 500 };
  const course = new Course(LIMIT_MS, standstill);
  const start = performance.now();
  standstill.totalMs += 700;
  course.answered("refused", start + 2_700, start + 2_690);
  course.lift();
  course.answered("confirmed", start + 3_000, start + 2_990);
  expect(course.firstRefused?.standstillMs).toBe(700);
  expect(course.recovered?.standstillMs).toBe(0);
});

/** Of an outage that is lifted at once, as far as its answers tell; the times are from its beginning. */
function courseOf(...answers: readonly (readonly [answer: Answer, askedMs: number])[]): Course {
  const course = new Course(LIMIT_MS, { totalMs: 0 });
  course.lift();
  const start = performance.now();
  for (const [answer, askedMs] of answers) course.answered(answer, start + askedMs + 5, start + askedMs);
  return course;
}

test("an outage that grew as old as the limit may be refused until it is over, however short it was to be", () => {
  // The last was asked before anybody knew of the recovery.
  const course = courseOf(["queued", 100], ["refused", 2_100], ["confirmed", 2_400], ["refused", 2_402]);
  expect(course.undue).toBe(0);
  expect(course.recovered).toBeDefined();
});

test("a write that is refused before the outage is as old as the limit, or after it, is refused without need", () => {
  expect(courseOf(["refused", 1_900]).undue).toBe(1);
  expect(courseOf(["confirmed", 2_500], ["refused", 2_600]).undue).toBe(1);
});
