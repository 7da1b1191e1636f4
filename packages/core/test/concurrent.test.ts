import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { mapConcurrent } from "../src/index.ts";
import { rejection } from "./support/service.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** 0, 1, 2 …, noting whether it was closed. */
function source(count: number, note: string[], close: () => void = () => {}): Iterable<number> {
  let at = 0;
  return {
    [Symbol.iterator]: () => ({
      next: () => {
        note.push(`take ${at}`);
        return at < count ? { done: false, value: at++ } : { done: true, value: undefined };
      },
      return: () => {
        note.push("close");
        close();
        return { done: true, value: undefined };
      },
    }),
  };
}

describe("mapConcurrent", () => {
  test("keeps the order, runs each item once, and never more at a time than was said", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat({ max: 3 }), { maxLength: 40 }),
        fc.integer({ min: 1, max: 12 }),
        fc.boolean(),
        async (turns, concurrency, asynchronous) => {
          let running = 0;
          let most = 0;
          async function* later() {
            for (const one of turns) {
              await Promise.resolve();
              yield one;
            }
          }
          const results = await mapConcurrent(
            asynchronous ? later() : turns,
            async (wait, index) => {
              running += 1;
              most = Math.max(most, running);
              for (let count = 0; count < wait; count += 1) await Promise.resolve();
              running -= 1;
              return `${index}:${wait}`;
            },
            { concurrency },
          );
          expect(results).toEqual(turns.map((wait, index) => `${index}:${wait}`));
          expect(most).toBeLessThanOrEqual(concurrency);
        },
      ),
    );
  });

  test("uses the concurrency it was given", async () => {
    let running = 0;
    let most = 0;
    const work = async (): Promise<void> => {
      running += 1;
      most = Math.max(most, running);
      await turn();
      running -= 1;
    };
    await mapConcurrent(Array(40).fill(0), work, { concurrency: 7 });
    expect(most).toBe(7);
    most = 0;
    await mapConcurrent(Array(40).fill(0), work);
    expect(most).toBe(10);
  });

  test("a failure stops what has not begun, waits for what has, and comes back by identity", async () => {
    const begun: number[] = [];
    const done: number[] = [];
    const mine = new Error("mine");
    const thrown = await rejection(
      mapConcurrent(
        [0, 1, 2, 3, 4, 5],
        async (item) => {
          begun.push(item);
          await turn();
          if (item === 1) throw mine;
          await turn();
          done.push(item);
        },
        { concurrency: 3 },
      ),
    );
    expect(thrown).toBe(mine);
    expect(begun).toEqual([0, 1, 2]);
    expect(done).toEqual([0, 2]);
  });

  test("of several failures the first counts", async () => {
    const fail = async (item: number): Promise<never> => {
      for (let count = 0; count < item; count += 1) await turn();
      throw item;
    };
    expect(await rejection(mapConcurrent([2, 1, 3], fail))).toBe(1);
  });

  test("work that throws at once is a failure like any other", async () => {
    const boom = (): never => {
      throw "at once";
    };
    expect(await rejection(mapConcurrent([1], boom))).toBe("at once");
  });

  test("takes an item only when it can run it, and closes the source on a failure", async () => {
    const note: string[] = [];
    const fail = async (item: number): Promise<void> => {
      if (item === 2) throw new Error("no");
    };
    await rejection(mapConcurrent(source(100, note), fail, { concurrency: 1 }));
    expect(note).toEqual(["take 0", "take 1", "take 2", "close"]);
  });

  test("a source that throws when it is closed does not mask the failure", async () => {
    const mine = new Error("mine");
    const broken = source(5, [], () => {
      throw new Error("from closing");
    });
    expect(await rejection(mapConcurrent(broken, () => Promise.reject(mine)))).toBe(mine);
  });

  test("a source that fails is a failure", async () => {
    async function* broken() {
      yield 1;
      throw new Error("source");
    }
    const done: number[] = [];
    const thrown = await rejection(mapConcurrent(broken(), async (item) => void done.push(item)));
    expect(thrown).toMatchObject({ message: "source" });
    expect(done).toEqual([1]);
  });

  test("an abort starts nothing more and rejects with its reason by identity", async () => {
    const controller = new AbortController();
    const reason = { why: "enough" };
    const note: string[] = [];
    const begun: number[] = [];
    const thrown = await rejection(
      mapConcurrent(
        source(100, note),
        async (item) => {
          begun.push(item);
          if (item === 2) controller.abort(reason);
          await turn();
        },
        { concurrency: 2, signal: controller.signal },
      ),
    );
    expect(thrown).toBe(reason);
    expect(begun.length).toBeLessThanOrEqual(4);
    expect(note.at(-1)).toBe("close");
  });

  test("a signal that has fired already takes nothing from the source", async () => {
    const note: string[] = [];
    const signal = AbortSignal.abort("gone");
    expect(await rejection(mapConcurrent(source(5, note), async () => {}, { signal }))).toBe("gone");
    expect(note).toEqual([]);
  });

  test("nothing to do is done at once, also with ten thousand at a time", async () => {
    expect(await mapConcurrent([], async () => 1, { concurrency: 10_000 })).toEqual([]);
  });
});
