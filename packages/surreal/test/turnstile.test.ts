import { type CallContext, runCall } from "@db/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Turnstile } from "../src/turnstile.ts";

const within = <T>(work: (context: CallContext) => Promise<T>): Promise<T> => runCall({ timeoutMs: 5_000 }, work);

describe("the turnstile", () => {
  test("lets through together or alone, never both, in the order they came, and ends empty", async () => {
    const visit = fc.record({ alone: fc.boolean(), stay: fc.integer({ min: 0, max: 3 }), leaves: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(visit, { maxLength: 20 }), async (visits) => {
        const turnstile = new Turnstile();
        const inside = { together: 0, alone: 0 };
        const admitted: number[] = [];
        await Promise.all(
          visits.map(({ alone, stay, leaves }, index) => {
            const caller = new AbortController();
            const kind = alone ? "alone" : "together";
            const visiting = runCall({ timeoutMs: 5_000, signal: caller.signal }, async (context) => {
              const release = await turnstile.enter(alone, context);
              admitted.push(index);
              inside[kind] += 1;
              expect(inside.alone === 0 || (inside.alone === 1 && inside.together === 0)).toBe(true);
              for (let turn = 0; turn < stay; turn += 1) await Promise.resolve();
              inside[kind] -= 1;
              release();
            });
            if (leaves) caller.abort();
            return visiting.catch(() => {});
          }),
        );
        expect(admitted).toEqual([...admitted].sort((a, b) => a - b));
        expect(turnstile.idle).toBe(true);
      }),
    );
  });

  test("a caller that is cancelled in the line leaves it without effect, and those behind it move up", async () => {
    const turnstile = new Turnstile();
    const caller = new AbortController();
    const release = await within((context) => turnstile.enter(false, context));
    const alone = runCall({ timeoutMs: 5_000, signal: caller.signal }, (context) => turnstile.enter(true, context));
    const behind = within((context) => turnstile.enter(false, context));
    caller.abort();
    await expect(alone).rejects.toMatchObject({ code: "CANCELLED", effect: "none" });
    (await behind)();
    release();
    expect(turnstile.idle).toBe(true);
  });
});
