import { getEventListeners } from "node:events";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import {
  attemptTimeout,
  type CallContext,
  DatabaseErrorOf,
  isDatabaseError,
  type Layer,
  untilInterrupted,
} from "../src/index.ts";
import { checkLeaksAfterEach } from "./support/leaks.ts";
import { connected, hang } from "./support/service.ts";

checkLeaksAfterEach();
beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const lost = new DatabaseErrorOf("CONNECTION_FAILED", "gone", {}, { effect: "unknown" });

/** What a driver may do with a call; the number is the time that it takes. */
const habits = {
  answers: (_context: CallContext, ms: number) => later(ms),
  fails: (_context: CallContext, ms: number) => later(ms).then(() => Promise.reject(lost)),
  listens: (context: CallContext) => untilInterrupted(hang(), context, "none"),
  listensLate: (context: CallContext, ms: number) => later(ms).then(() => untilInterrupted(hang(), context, "none")),
  answersWhenStopped: async (context: CallContext, ms: number) => {
    await untilInterrupted(hang(), context, "none").catch(() => {});
    await later(ms);
  },
  failsWhenStopped: async (context: CallContext, ms: number) => {
    await untilInterrupted(hang(), context, "none").catch(() => {});
    await later(ms);
    throw lost;
  },
  hangs: hang,
  throws: () => {
    throw lost;
  },
} as const;

const times = fc.constantFrom(0, 1, 49, 50, 51, 99, 100, 101, 150, 200);
const plan = fc.record({
  habit: fc.constantFrom(...(Object.keys(habits) as (keyof typeof habits)[])),
  ms: times,
  write: fc.boolean(),
  timeoutMs: fc.option(fc.constantFrom(1, 50, 100, 150, 1_000), { nil: undefined }),
  abortAt: fc.option(times, { nil: undefined }),
  startAt: times,
});

/** Tries again once, with limits of its own. */
const again =
  (signal: AbortSignal): Layer =>
  (next) =>
  (operation, context) =>
    next(operation, context).catch((error: unknown) => {
      if (context.aborted) throw error;
      return context.within({ timeoutMs: 120, signal }, (inner) => next(operation, inner.with({ attempt: 2 })));
    });

test("whatever driver and caller do, and whenever: each call ends once, in time, and nothing is left behind", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(plan, { minLength: 1, maxLength: 12 }),
      fc.option(times, { nil: undefined }),
      fc.constantFrom(0, 1, 60, 10_000),
      async (plans, disconnectAt, drainMs) => {
        const shared = new AbortController();
        const run = (id: string, context: CallContext): Promise<never> => {
          const { habit, ms } = plans[Number(id.slice("notes:".length))] ?? { habit: "hangs", ms: 0 };
          return habits[habit](context, ms) as Promise<never>;
        };
        const db = await connected(
          {
            statements: {
              read: ({ id }, context) => run(id, context),
              delete: ({ id }, context) => run(id, context),
            },
          },
          { layers: [again(shared.signal), attemptTimeout({ timeoutMs: 90 })] },
        );
        const signals: AbortSignal[] = [shared.signal];
        const ends: number[] = plans.map(() => 0);
        const calls = plans.map(async ({ write, timeoutMs, abortAt, startAt }, index) => {
          await later(startAt);
          const controller = new AbortController();
          signals.push(controller.signal);
          if (abortAt !== undefined) setTimeout(() => controller.abort("gone"), abortAt);
          const start = performance.now();
          const options = { signal: controller.signal, ...(timeoutMs === undefined ? {} : { timeoutMs }) };
          const call = write ? db.delete(`notes:${index}`, options) : db.read(`notes:${index}`, options);
          const error = await (call as Promise<unknown>).then(
            () => undefined,
            (thrown: unknown) => thrown,
          );
          ends[index] = (ends[index] ?? 0) + 1;
          expect(performance.now() - start).toBeLessThanOrEqual((timeoutMs ?? 30_000) + 100);
          if (error === undefined) return;
          if (!isDatabaseError(error)) throw error;
          if (!write) expect(error.effect).toBe("none");
        });
        const closing =
          disconnectAt === undefined ? undefined : later(disconnectAt).then(() => db.disconnect({ drainMs }));
        await vi.advanceTimersByTimeAsync(60_000);
        await Promise.all(calls);
        expect(ends).toEqual(plans.map(() => 1));
        await closing;
        // Resolves only if every call was counted out exactly once.
        const ended = db.disconnect();
        await vi.advanceTimersByTimeAsync(0);
        await ended;
        for (const signal of signals) expect(getEventListeners(signal, "abort")).toHaveLength(0);
        expect(vi.getTimerCount()).toBeLessThanOrEqual(1);
        vi.clearAllTimers();
      },
    ),
    { numRuns: 200 },
  );
});
