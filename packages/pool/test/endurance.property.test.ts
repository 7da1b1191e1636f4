import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { FakeDatabase } from "./support/database.ts";
import { isFullSize } from "./support/size.ts";

const CYCLES = isFullSize ? 1_000_000 : 50_000;
/** What the runner itself allocates meanwhile, and what V8 keeps for code. */
const NOISE_BYTES = 4_000_000;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

function heapUsed(): number {
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}

test("acquire and release, one in a hundred with a failure, leave memory flat and the counts at rest", {
  timeout: 600_000,
}, async () => {
  const database = new FakeDatabase();
  const pool = database.pool({
    max: 10,
    createConcurrency: 10,
    destroy: (connection) => {
      database.destroy(connection);
      // The fake's own book of connections must not be what grows.
      database.connections.length = 0;
    },
    validate: database.validate,
    classify: () => "broken",
  });
  let count = 0;
  const worker = async (cycles: number): Promise<void> => {
    for (let cycle = 0; cycle < cycles; cycle += 1) {
      count += 1;
      const failure = count % 100;
      if (failure === 1) (await pool.acquire()).release(new Error("broke"));
      else if (failure === 2) (await pool.acquire({ signal: new AbortController().signal })).destroy();
      else if (failure === 3) await pool.use(() => Promise.reject(new Error("x"))).catch(() => {});
      else if (failure === 4)
        await pool.acquire({ timeoutMs: 0.001 }).then(
          (lease) => lease.release(),
          () => {},
        );
      else (await pool.acquire()).release();
      if (count % 1_000 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const run = (cycles: number): Promise<unknown> => Promise.all(Array.from({ length: 20 }, () => worker(cycles / 20)));
  await run(CYCLES / 5);
  database.attemptTimes.length = 0;
  const before = heapUsed();
  await run(CYCLES);
  database.attemptTimes.length = 0;
  expect(heapUsed() - before).toBeLessThan(NOISE_BYTES);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(pool.stats()).toMatchObject({ inUse: 0, checking: 0, creating: 0, waiting: 0, destroying: 0 });
  await pool.close();
  expect(pool.stats()).toMatchObject({ size: 0 });
});
