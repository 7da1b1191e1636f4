import { expect, test } from "vitest";
import { chaos } from "./support/chaos.ts";

const isFull = process.env.DB_TEST_SIZE === "full";
const seeds = isFull ? [1, 2, 3, Date.now() % 1_000_000] : [Date.now() % 1_000_000];
const durationMs = isFull ? 30_000 : 5_000;

test.each(seeds)(
  "faults upon faults (seed %i): every call ends, no acknowledged write is lost, none is applied twice",
  { timeout: durationMs + 60_000 },
  async (seed) => {
    const { broken, left, recoveredMs, longestMs, ...counts } = await chaos(seed, durationMs);
    process.stdout.write(`chaos ${seed}: ${JSON.stringify({ ...counts, recoveredMs, longestMs })}\n`);
    expect(broken).toEqual([]);
    expect(left).toEqual({ sockets: 0, sessions: 0, transactions: 0 });
    // Of 1.5 s each, and 100 ms for a driver that does not listen; the rest is for a machine that does other things too.
    expect(longestMs).toBeLessThan(3_500);
    expect(recoveredMs).toBeLessThan(3_000);
  },
);
