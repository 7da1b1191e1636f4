import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { attemptsOf, createRetry, RetryTimeoutError } from "../src/index.ts";
import { Refused } from "./support/failing.ts";

/** How one attempt goes. */
type Turn =
  | { readonly after: number; readonly outcome: "succeeds" | "fails" | "is refused" }
  | { readonly hangs: true };

const turn: fc.Arbitrary<Turn> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ after: fc.nat({ max: 300 }), outcome: fc.constant("fails" as const) }) },
  fc.record({ after: fc.nat({ max: 300 }), outcome: fc.constantFrom("succeeds" as const, "is refused" as const) }),
  fc.constant<Turn>({ hangs: true }),
);
const some = (max: number): fc.Arbitrary<number | undefined> =>
  fc.option(fc.integer({ min: 1, max }), { nil: undefined });

test("whatever attempts, limits and aborts do, a call ends in its time with what it promised and leaves nothing behind", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(turn, { minLength: 1, maxLength: 6 }),
      some(400),
      fc.integer({ min: 1, max: 2_000 }),
      some(2_500),
      fc.integer({ min: 1, max: 6 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      async (turns, attemptTimeoutMs, maxElapsedMs, abortAfterMs, maxAttempts, random) => {
        vi.useFakeTimers();
        try {
          const controller = new AbortController();
          const { signal } = controller;
          const listening = { added: 0, removed: 0 };
          const { addEventListener, removeEventListener } = signal;
          signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
            listening.added += 1;
            addEventListener.apply(signal, args);
          };
          signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
            listening.removed += 1;
            removeEventListener.apply(signal, args);
          };
          const thrown: unknown[] = [];
          let [made, running] = [0, 0];
          const again = createRetry({
            maxAttempts,
            maxElapsedMs,
            ...(attemptTimeoutMs === undefined ? {} : { attemptTimeoutMs }),
            budget: false,
            random: () => random,
            backoff: { baseMs: 20, capMs: 200, jitter: "equal" },
          });
          const start = performance.now();
          const call = again(
            async ({ attempt }) => {
              const next = turns[(attempt - 1) % turns.length];
              expect(attempt).toBe(made + 1);
              made = attempt;
              running += 1;
              if (next === undefined || "hangs" in next) return new Promise<string>(() => {});
              await new Promise((resolve) => setTimeout(resolve, next.after));
              if (next.outcome === "succeeds") return "ok";
              const error = next.outcome === "fails" ? new Refused("no") : new Error("refused");
              thrown.push(error);
              throw error;
            },
            { signal },
          ).then(
            (value) => ({ value, endedAt: performance.now() }),
            (error: unknown) => ({ error, endedAt: performance.now() }),
          );
          if (abortAfterMs !== undefined) setTimeout(() => controller.abort(), abortAfterMs);
          await vi.runAllTimersAsync();
          const ended = await call;
          const tookMs = ended.endedAt - start;
          expect(made).toBeLessThanOrEqual(maxAttempts);
          expect(running).toBe(made);
          expect(tookMs).toBeLessThanOrEqual(Math.min(maxElapsedMs, abortAfterMs ?? maxElapsedMs) + 1);
          if ("value" in ended) expect(ended.value).toBe("ok");
          else if (ended.error !== signal.reason) {
            expect(thrown.includes(ended.error) || ended.error instanceof RetryTimeoutError).toBe(true);
            expect(attemptsOf(ended.error)).toBe(made);
          }
          expect(listening.removed).toBeGreaterThanOrEqual(listening.added);
          expect(listening.added).toBe(1);
          await vi.advanceTimersByTimeAsync(5_000);
          expect(vi.getTimerCount()).toBe(0);
        } finally {
          vi.useRealTimers();
        }
      },
    ),
    { numRuns: 500 },
  );
});
