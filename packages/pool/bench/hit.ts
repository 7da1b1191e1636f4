import { compare, type Goal, type Measured } from "@db/bench";
import { ConnectionPool } from "@db/pool";
import { ours, type Peer, peers } from "./peers.ts";

const BATCH = 50;
const connection = { id: 1 };
const create = (): Promise<object> => Promise.resolve(connection);

/** Acquire and release while a connection is idle, timeouts on. Batches, so that the harness's own `await` costs nothing. */
export async function hit(): Promise<{ readonly rows: readonly Measured[]; readonly goals: readonly Goal[] }> {
  const pool = new ConnectionPool({ max: 10, create, destroy: () => {} });
  await pool.start();
  const cases = [
    {
      name: "bare await",
      run: async () => {
        for (let count = 0; count < BATCH; count += 1) await Promise.resolve(connection);
      },
    },
    {
      name: "@db/pool tryAcquire + release",
      run: () => {
        for (let count = 0; count < BATCH; count += 1) pool.tryAcquire()?.release();
      },
    },
    ...(await Promise.all([ours, ...peers].map(cycle))),
  ];
  const measured = await compare(cases, { operations: 100, rounds: 60 });
  const rows = measured.map(({ name, minNs, medianNs, bytes }) => ({
    name,
    minNs: Math.round(minNs / BATCH),
    medianNs: Math.round(medianNs / BATCH),
    bytes: Math.round(bytes / BATCH),
  }));
  const [bare, tried, own, ...others] = rows;
  if (bare === undefined || tried === undefined || own === undefined) throw new Error("expected all cases, got fewer");
  const fastest = Math.min(...others.map(({ minNs }) => minNs));
  const goals: Goal[] = [
    { what: "acquire + release over a bare await (min)", actual: own.minNs / bare.minNs, limit: 6, unit: "×" },
    { what: "acquire + release", actual: own.bytes, limit: 450, unit: "bytes" },
    { what: "acquire + release over the fastest peer (min)", actual: own.minNs / fastest, limit: 1 / 4, unit: "×" },
    { what: "tryAcquire + release over a bare await (min)", actual: tried.minNs / bare.minNs, limit: 2, unit: "×" },
    { what: "tryAcquire + release", actual: tried.bytes, limit: 80, unit: "bytes" },
  ];
  return { rows, goals };
}

async function cycle({ name, make }: Peer): Promise<{ readonly name: string; readonly run: () => Promise<void> }> {
  const { acquire, release } = make({ max: 10, timeoutMs: 30_000, create });
  release((await acquire()) as never);
  return {
    name: `${name} acquire + release`,
    run: async () => {
      for (let count = 0; count < BATCH; count += 1) release((await acquire()) as never);
    },
  };
}
