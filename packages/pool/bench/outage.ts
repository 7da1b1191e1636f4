import type { Goal } from "@db/bench";
import { ours, type Peer, peers } from "./peers.ts";

interface OutageRow {
  readonly name: string;
  /** Within the outage. */
  readonly creates: number;
  /** With those that filled the pool afterwards. */
  readonly createsInAll: number;
  readonly mostAtOnce: number;
  readonly firstServedMs: number;
  readonly allServedMs: number;
  readonly rejected: number;
}

const OUTAGE_MS = 1_000;
const CALLERS = 100;

/** A database that is away for a second, and a hundred callers with three seconds of patience. Times are from the recovery on. */
export async function outage(): Promise<{ readonly rows: readonly OutageRow[]; readonly goals: readonly Goal[] }> {
  const rows: OutageRow[] = [];
  for (const peer of [ours, ...peers]) rows.push(await run(peer));
  const [own] = rows;
  if (own === undefined) throw new Error("expected a row of ours, got none");
  return {
    rows,
    goals: [
      { what: "creates in an outage of 1 s", actual: own.creates, limit: 20, unit: "" },
      { what: "first caller served after the recovery", actual: own.firstServedMs, limit: 300, unit: "ms" },
      { what: "all callers served after the recovery", actual: own.allServedMs, limit: 500, unit: "ms" },
      { what: "callers rejected", actual: own.rejected, limit: 0, unit: "" },
    ],
  };
}

async function run(peer: Peer): Promise<OutageRow> {
  const start = performance.now();
  const recovery = start + OUTAGE_MS;
  let creates = 0;
  let createsInAll = 0;
  let connecting = 0;
  let mostAtOnce = 0;
  const create = async (): Promise<object> => {
    if (performance.now() < recovery) creates += 1;
    createsInAll += 1;
    connecting += 1;
    mostAtOnce = Math.max(mostAtOnce, connecting);
    await new Promise((resolve) => setTimeout(resolve, 2));
    connecting -= 1;
    if (performance.now() < recovery) throw new Error("refused");
    return {};
  };
  const pool = peer.make({ max: 10, timeoutMs: 3_000, create });
  const served: number[] = [];
  let rejected = 0;
  const one = async (): Promise<void> => {
    try {
      const acquired = await pool.acquire();
      served.push(performance.now() - recovery);
      await new Promise((resolve) => setTimeout(resolve, 2));
      pool.release(acquired as never);
    } catch {
      rejected += 1;
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, one));
  await pool.close();
  const ms = (at: number): number => (served.length === 0 ? Number.NaN : Math.round(served.at(at) ?? Number.NaN));
  return { name: peer.name, creates, createsInAll, mostAtOnce, firstServedMs: ms(0), allServedMs: ms(-1), rejected };
}
