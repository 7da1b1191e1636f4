import type { Goal } from "@db/bench";
import { ours, oursShedding, type Peer, peers } from "./peers.ts";

interface OverloadRow {
  readonly name: string;
  readonly usefulPercent: number;
  readonly busyPercent: number;
  readonly servedInTime: number;
  readonly servedTooLate: number;
  readonly refused: number;
}

const MAX = 10;
const SERVICE_MS = 20;
const PATIENCE_MS = 1_000;
const TICK_MS = 10;
/** Twice what ten connections can do. */
const ARRIVALS_PER_TICK = (2 * MAX * TICK_MS) / SERVICE_MS;

/**
 * Twice the load that ten connections can carry. A caller gives up a second after it came, so work that ends later is done
 * for nobody. Useful is the share of the connections' time that went into work which somebody still wanted.
 */
export async function overload(
  durationMs: number,
): Promise<{ readonly rows: readonly OverloadRow[]; readonly goals: readonly Goal[] }> {
  const rows = await Promise.all([oursShedding, ours, ...peers].map((peer) => run(peer, durationMs)));
  const useful = rows[0]?.usefulPercent ?? 0;
  return {
    rows,
    goals: [
      { what: "time not spent on useful work at twice the load, shed on", actual: 100 - useful, limit: 10, unit: "%" },
    ],
  };
}

async function run(peer: Peer, durationMs: number): Promise<OverloadRow> {
  const pool = peer.make({ max: MAX, timeoutMs: PATIENCE_MS, create: () => Promise.resolve({}) });
  const start = performance.now();
  const end = start + durationMs;
  let usefulMs = 0;
  let busyMs = 0;
  let servedInTime = 0;
  let servedTooLate = 0;
  let refused = 0;
  const one = async (): Promise<void> => {
    const came = performance.now();
    let acquired: unknown;
    try {
      acquired = await pool.acquire();
    } catch {
      refused += 1;
      return;
    }
    const begun = performance.now();
    await new Promise((resolve) => setTimeout(resolve, SERVICE_MS));
    const done = performance.now();
    pool.release(acquired as never);
    const within = Math.max(0, Math.min(done, end) - begun);
    busyMs += within;
    if (done - came <= PATIENCE_MS) {
      usefulMs += within;
      servedInTime += 1;
    } else servedTooLate += 1;
  };
  const all: Promise<void>[] = [];
  let sent = 0;
  while (performance.now() < end) {
    // By the clock, not by the count of ticks: a timer that comes late must not lower the load.
    const due = Math.floor(((performance.now() - start) / TICK_MS) * ARRIVALS_PER_TICK);
    for (; sent < due; sent += 1) all.push(one());
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
  await Promise.all(all);
  await pool.close();
  const percent = (ms: number): number => Math.round((1_000 * ms) / (MAX * durationMs)) / 10;
  return {
    name: peer.name,
    usefulPercent: percent(usefulMs),
    busyPercent: percent(busyMs),
    servedInTime,
    servedTooLate,
    refused,
  };
}
