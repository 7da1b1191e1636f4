import { statSync } from "node:fs";
import { join } from "node:path";
import type { Goal } from "@db/bench";
import { WriteQueue } from "@db/queue";
import { data } from "./enqueue.ts";
import { inScratch } from "./scratch.ts";

const ENTRIES = 1_000_000;
const AT_ONCE = 2_000;

/** A million entries of as many records: how long the file takes to open with its check, and what it holds in memory. */
export async function million(): Promise<{ readonly rows: readonly object[]; readonly goals: readonly Goal[] }> {
  return inScratch(async (folder) => {
    const path = join(folder, "queue.db");
    const filling = await WriteQueue.open({ path, durability: "os" });
    for (let from = 0; from < ENTRIES; from += AT_ONCE) {
      const part = Array.from({ length: AT_ONCE }, (_, index) => from + index);
      await Promise.all(part.map((index) => filling.enqueue({ kind: "create", id: `notes:${index}`, data })));
    }
    await filling.close();
    const megabytes = statSync(path).size / 2 ** 20;
    const opens: number[] = [];
    let heldMiB = 0;
    for (let round = 0; round < 3; round += 1) {
      globalThis.gc?.();
      const before = held();
      const start = performance.now();
      const queue = await WriteQueue.open({ path });
      opens.push((performance.now() - start) / 1_000);
      globalThis.gc?.();
      heldMiB = (held() - before) / 2 ** 20;
      if (queue.stats().pending !== ENTRIES)
        throw new Error(`expected ${ENTRIES} entries, got ${queue.stats().pending}`);
      await queue.close();
    }
    const openS = Math.min(...opens);
    const rows = [
      {
        name: "1,000,000 entries",
        fileMiB: Math.round(megabytes),
        openBestS: Number(openS.toFixed(2)),
        openWorstS: Number(Math.max(...opens).toFixed(2)),
        heldMiB: Math.round(heldMiB),
      },
    ];
    const goals: Goal[] = [
      { what: "1,000,000 entries open, checked (best of 3)", actual: openS, limit: 5, unit: "s" },
      { what: "heapUsed + external of the main thread for them", actual: heldMiB, limit: 128, unit: "MiB" },
    ];
    return { rows, goals };
  });
}

function held(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
