import { describe, expect, test } from "vitest";
import { describeDriver, MockDatabase, type Runner } from "../src/index.ts";
import { brokenDrivers } from "./broken-drivers.ts";

/** Collects the cases of the suite instead of running them. */
function collect(connect: () => ReturnType<(typeof brokenDrivers)[number]["connect"]>): {
  readonly cases: ReadonlyMap<string, () => Promise<void>>;
  close(): Promise<void>;
} {
  const cases = new Map<string, () => Promise<void>>();
  let close = async (): Promise<void> => {};
  const runner: Runner = {
    describe: (_, define) => define(),
    test: (title, run) => {
      if (cases.has(title)) throw new Error(`two cases have the title "${title}"`);
      cases.set(title, run);
    },
    afterAll: (run) => {
      close = run;
    },
  };
  describeDriver({ name: "broken", connect, capabilities: new MockDatabase().capabilities, runner });
  return { cases, close: () => close() };
}

describe("the suite finds a driver that", () => {
  test.each(brokenDrivers.map((broken) => [broken.mistake, broken] as const))("%s", async (_, { connect, found }) => {
    const { cases, close } = collect(connect);
    for (const title of found) {
      const run = cases.get(title);
      expect(run, `the case "${title}"`).toBeDefined();
      const failure = await run?.().catch((error: unknown) => error);
      // A TypeError would be a mistake in the broken driver itself.
      expect(failure, title).toMatchObject({ name: expect.stringMatching(/^(AssertionError|DatabaseError)$/) });
    }
    await close();
  });
});

test("every title is a case of its own, and there are more than a hundred", () => {
  expect(collect(() => new MockDatabase()).cases.size).toBeGreaterThan(100);
});
