import type { Goal } from "@db/bench";
import { ours, type Peer, peers } from "./peers.ts";

interface ExpiryRow {
  readonly name: string;
  readonly worstStallMs: number;
}

const WAITERS = 20_000;
const ROUNDS = 3;

/** 20,000 callers whose time is up in the same moment: how long does the event loop stand still? */
export async function expiry(): Promise<{ readonly rows: readonly ExpiryRow[]; readonly goals: readonly Goal[] }> {
  const all = [ours, ...peers];
  const stalls = all.map((): number[] => []);
  for (let round = 0; round < ROUNDS; round += 1)
    for (const [index, peer] of all.entries()) stalls[index]?.push(await worstStall(peer));
  const rows = all.map(({ name }, index) => ({
    name,
    worstStallMs: Math.round(median(stalls[index] ?? []) * 10) / 10,
  }));
  const own = rows[0]?.worstStallMs ?? Number.NaN;
  return { rows, goals: [{ what: "stall by 20,000 expiries", actual: own, limit: 40, unit: "ms" }] };
}

async function worstStall(peer: Peer): Promise<number> {
  const pool = peer.make({ max: 1, timeoutMs: 500, create: () => Promise.resolve({}) });
  const held = await pool.acquire();
  globalThis.gc?.();
  const waiting: Promise<unknown>[] = [];
  for (let index = 0; index < WAITERS; index += 1) waiting.push(pool.acquire().catch(() => {}));
  // The time it took to line them up is not what is measured.
  await new Promise((resolve) => setTimeout(resolve, 50));
  let last = performance.now();
  let worst = 0;
  const pulse = setInterval(() => {
    const now = performance.now();
    worst = Math.max(worst, now - last);
    last = now;
  }, 1);
  await Promise.all(waiting);
  await new Promise((resolve) => setTimeout(resolve, 5));
  clearInterval(pulse);
  pool.release(held as never);
  await pool.close();
  return worst;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
