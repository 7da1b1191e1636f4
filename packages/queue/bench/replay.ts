import { statSync } from "node:fs";
import { join } from "node:path";
import type { Goal } from "@db/bench";
import { createDatabase, defineDriver } from "@db/core";
import { WriteQueue } from "@db/queue";
import { inScratch, median } from "./scratch.ts";

const WRITES = 10_000;
const RECORDS = 100;
const LATENCY_MS = 10;
const CONCURRENCY = 32;

/** 10,000 writes over 100 records into a database that takes 10 ms for each, 32 at a time; then the size of the file. */
export async function replay(
  rounds: number,
): Promise<{ readonly rows: readonly object[]; readonly goals: readonly Goal[] }> {
  return inScratch(async (folder) => {
    const ratios: number[] = [];
    const times: number[] = [];
    let leftBytes = 0;
    for (let round = 0; round < rounds; round += 1) {
      const path = join(folder, `queue-${round}.db`);
      const queue = await WriteQueue.open({ path, concurrency: CONCURRENCY });
      queue.pause();
      const puts = Array.from({ length: WRITES }, (_, index) =>
        queue.enqueue({ kind: "update", id: `notes:${index % RECORDS}`, data: { index, text: "x".repeat(200) } }),
      );
      await Promise.all(puts);
      // What a timer of 10 ms really takes on this machine, with as many at a time: the ideal is made of that.
      const idealMs = await ideal();
      const answer = { id: "notes:1", operationId: "", status: "committed" } as const;
      const update = async (): Promise<typeof answer> => {
        await new Promise((resolve) => {
          setTimeout(resolve, LATENCY_MS);
        });
        return answer;
      };
      const driver = defineDriver({ name: "slow", statements: { update }, capabilities: { idempotentWrites: true } });
      const db = createDatabase({ driver, layers: [queue.layer] });
      await db.connect();
      const start = performance.now();
      queue.resume();
      await queue.barrier();
      const took = performance.now() - start;
      times.push(took);
      ratios.push(took / idealMs);
      await db.disconnect();
      await queue.close();
      leftBytes = Math.max(leftBytes, statSync(path).size);
    }
    const rows = [
      {
        name: "10,000 writes, 100 records, 10 ms each, 32 at a time",
        medianMs: Math.round(median(times)),
        overIdeal: Number(median(ratios).toFixed(2)),
        leftKiB: Math.round(leftBytes / 1_024),
      },
    ];
    const goals: Goal[] = [
      { what: "replay over the ideal time (median)", actual: median(ratios), limit: 1.35, unit: "×" },
      { what: "the file after a drain", actual: leftBytes / 2 ** 20, limit: 1, unit: "MiB" },
    ];
    return { rows, goals };
  });
}

/** The same waits, with nothing but timers. */
async function ideal(): Promise<number> {
  const start = performance.now();
  let left = WRITES;
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await new Promise((resolve) => {
        setTimeout(resolve, LATENCY_MS);
      });
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  return performance.now() - start;
}
