import { expect, test } from "vitest";
import { crashLoop } from "./support/crash-loop.ts";

const rounds = process.env.DB_TEST_SIZE === "full" ? 50 : 3;

test.each(["rocksdb", "surrealkv"] as const)(
  `${rounds} kills of a server on %s under 16 writers: what was acknowledged is there once, the rest at most once`,
  { timeout: 60_000 + rounds * 10_000 },
  async (engine) => {
    const { broken, recoveredMs, ...counts } = await crashLoop(engine, rounds);
    const sorted = recoveredMs.toSorted((a, b) => a - b);
    const summary = { ...counts, medianRecoveryMs: sorted[sorted.length >> 1], longestRecoveryMs: sorted.at(-1) };
    process.stdout.write(`${engine}: ${JSON.stringify(summary)}\n`);
    expect(broken).toEqual([]);
    expect(counts.acknowledged).toBeGreaterThan(rounds * 16);
    expect(recoveredMs.length).toBe(rounds);
  },
);
