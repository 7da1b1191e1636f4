import fc from "fast-check";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { Lease } from "../src/index.ts";
import { rejection } from "./support/database.ts";
import { closing, commands, type Model, Subject } from "./support/model.ts";
import { isFullSize } from "./support/size.ts";

const RUNS = isFullSize ? 10_000 : 1_000;

beforeAll(() => {
  vi.useFakeTimers();
});
afterAll(() => {
  vi.useRealTimers();
});

async function play(steps: Iterable<fc.AsyncCommand<Model, Subject>>, reset: boolean, shed: boolean): Promise<Subject> {
  const subject = new Subject(reset, shed);
  await fc.asyncModelRun(() => ({ model: { max: 3, closed: false }, real: subject }), steps);
  return subject;
}

/** Whatever was going on: everybody gets an answer, and what the pool made is closed. */
async function checkEnd(subject: Subject): Promise<void> {
  subject.pool.resume();
  const closed = subject.pool.close({ deadlineMs: 100 });
  await vi.advanceTimersByTimeAsync(1_500);
  await closed;
  subject.check();
  expect(subject.pending).toBe(0);
  expect([...subject.open.keys()]).toEqual([]);
  expect(subject.pool.stats()).toMatchObject({
    size: 0,
    idle: 0,
    inUse: 0,
    checking: 0,
    creating: 0,
    waiting: 0,
    destroying: 0,
    state: "closed",
  });
}

test("in any course of events: never more than max, nobody's connection twice, the order kept, no slot lost, every promise settled", {
  timeout: 600_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.commands([...commands], { maxCommands: 40, size: "max" }),
      fc.boolean(),
      fc.boolean(),
      async (steps, reset, shed) => {
        const subject = await play(steps, reset, shed);
        const { pool, moods } = subject;
        subject.reaction = undefined;
        // All is well again: whoever holds gives back, and the whole pool must be there to be had.
        for (const hook of Object.keys(moods)) moods[hook] = "well";
        pool.resume();
        while (subject.held.length > 0) subject.end(0, "release");
        await vi.advanceTimersByTimeAsync(6_000);
        while (subject.held.length > 0) subject.end(0, "release");
        await vi.advanceTimersByTimeAsync(6_000);
        expect(subject.pending).toBe(0);
        const { max } = pool.stats();
        const all: Lease<unknown>[] = await (async () => {
          const asked = Promise.all(Array.from({ length: max }, () => pool.acquire({ timeoutMs: 400 })));
          await vi.advanceTimersByTimeAsync(450);
          return asked;
        })();
        expect(new Set(all.map(({ value }) => value)).size).toBe(max);
        const late = rejection(pool.acquire({ timeoutMs: 10 }));
        await vi.advanceTimersByTimeAsync(20);
        expect(await late).toMatchObject({ code: "ACQUIRE_TIMEOUT" });
        for (const lease of all) lease.release();
        await checkEnd(subject);
      },
    ),
    { numRuns: RUNS / 2 },
  );
});

test("a close in the midst of any course of events still answers everybody and closes everything", {
  timeout: 600_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.commands([...commands, closing], { maxCommands: 30, size: "max" }),
      fc.boolean(),
      fc.boolean(),
      async (steps, reset, shed) => {
        const subject = await play(steps, reset, shed);
        await checkEnd(subject);
      },
    ),
    { numRuns: RUNS / 2 },
  );
});
