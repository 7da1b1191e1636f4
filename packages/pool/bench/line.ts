import type { Goal } from "@db/bench";
import { ours, type Peer, peers } from "./peers.ts";

interface LineRow {
  readonly name: string;
  readonly drain10kMs: number;
  readonly drain100kMs: number;
  readonly ratio: number;
  readonly bytesPerWaiter: number;
  readonly inversions: number;
}

/** Of 10,000 waiters; 100,000 take so long that every third round has them. */
const ROUNDS = 15;
const create = (): Promise<object> => Promise.resolve({});

/** 10,000 and 100,000 callers at once over ten connections, each of which is held for a microtask. */
export async function line(): Promise<{ readonly rows: readonly LineRow[]; readonly goals: readonly Goal[] }> {
  const all = [ours, ...peers];
  const small = all.map((): number[] => []);
  const large = all.map((): number[] => []);
  let inversions = all.map(() => 0);
  for (const peer of all) for (let warmUp = 0; warmUp < 5; warmUp += 1) await drain(peer, 5_000);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [index, peer] of all.entries()) {
      const ten = await drain(peer, 10_000);
      small[index]?.push(ten.ms);
      // Those that take seconds need no second look.
      const skips = round % 3 !== 0 || (large[index]?.[0] ?? 0) > 1_500;
      const hundred = skips ? undefined : await drain(peer, 100_000);
      if (hundred !== undefined) large[index]?.push(hundred.ms);
      inversions = inversions.map((count, at) =>
        at === index ? count + ten.inversions + (hundred?.inversions ?? 0) : count,
      );
    }
  }
  const rows: LineRow[] = [];
  for (const [index, peer] of all.entries()) {
    const drain10kMs = Math.min(...(small[index] ?? []));
    const drain100kMs = Math.min(...(large[index] ?? []));
    rows.push({
      name: peer.name,
      drain10kMs: round(drain10kMs),
      drain100kMs: round(drain100kMs),
      ratio: round(drain100kMs / drain10kMs),
      bytesPerWaiter: await bytesPerWaiter(peer),
      inversions: inversions[index] ?? 0,
    });
  }
  const [own, ...others] = rows;
  if (own === undefined) throw new Error("expected a row of ours, got none");
  const fastest = (key: "drain10kMs" | "drain100kMs"): number => Math.min(...others.map((row) => row[key]));
  const goals: Goal[] = [
    {
      what: "10,000 waiters over the fastest peer",
      actual: own.drain10kMs / fastest("drain10kMs"),
      limit: 1,
      unit: "×",
    },
    {
      what: "100,000 waiters over the fastest peer",
      actual: own.drain100kMs / fastest("drain100kMs"),
      limit: 1,
      unit: "×",
    },
    { what: "100,000 waiters over 10,000", actual: own.ratio, limit: 25, unit: "×" },
    { what: "a waiter", actual: own.bytesPerWaiter, limit: 700, unit: "bytes" },
    { what: "waiters served out of order", actual: own.inversions, limit: 0, unit: "" },
  ];
  return { rows, goals };
}

async function drain(peer: Peer, count: number): Promise<{ readonly ms: number; readonly inversions: number }> {
  const pool = peer.make({ max: 10, timeoutMs: 30_000, create });
  await warm(pool);
  globalThis.gc?.();
  let last = -1;
  let inversions = 0;
  const one = async (index: number): Promise<void> => {
    const acquired = await pool.acquire();
    if (index < last) inversions += 1;
    last = index;
    await null;
    pool.release(acquired as never);
  };
  const start = performance.now();
  const all: Promise<void>[] = [];
  for (let index = 0; index < count; index += 1) all.push(one(index));
  await Promise.all(all);
  const ms = performance.now() - start;
  await pool.close();
  return { ms, inversions };
}

async function bytesPerWaiter(peer: Peer): Promise<number> {
  const count = 20_000;
  const pool = peer.make({ max: 1, timeoutMs: 30_000, create });
  const held = await pool.acquire();
  const waiting: Promise<unknown>[] = [];
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  for (let index = 0; index < count; index += 1) waiting.push(pool.acquire());
  globalThis.gc?.();
  const bytes = (process.memoryUsage().heapUsed - before) / count;
  pool.release(held as never);
  for (const promise of waiting) pool.release((await promise) as never);
  await pool.close();
  return Math.round(bytes);
}

async function warm(pool: ReturnType<Peer["make"]>): Promise<void> {
  const all = await Promise.all(Array.from({ length: 10 }, () => pool.acquire()));
  for (const acquired of all) pool.release(acquired as never);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
