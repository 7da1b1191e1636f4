import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { DatabaseSync } from "node:sqlite";
import { Worker } from "node:worker_threads";
import type { Goal } from "@db/bench";
import { WriteQueue } from "@db/queue";
import { data } from "./enqueue.ts";
import { inScratch, median } from "./scratch.ts";

const CALLERS = 64;
const ROUND_MS = 1_500;

/** How late the event loop is while 64 callers store writes: beside an idle worker, and beside SQLite in the same thread. */
export async function eventLoop(
  rounds: number,
): Promise<{ readonly rows: readonly object[]; readonly goals: readonly Goal[] }> {
  return inScratch(async (folder) => {
    const idle: number[] = [];
    const ours: number[] = [];
    const inThread: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      idle.push(await delayDuring(besideIdleWorker));
      await using queue = await WriteQueue.open({ path: join(folder, `queue-${round}.db`) });
      ours.push(
        await delayDuring((end) =>
          callers(end, (index) => queue.enqueue({ kind: "create", id: `notes:${round}-${index}`, data })),
        ),
      );
      inThread.push(await delayDuring((end) => sqliteInThread(join(folder, `plain-${round}.db`), end)));
    }
    const rows = [
      { name: "an idle worker", medianP99Ms: round2(median(idle)) },
      { name: "@db/queue, 64 callers", medianP99Ms: round2(median(ours)) },
      { name: "node:sqlite in the same thread, 64 a transaction", medianP99Ms: round2(median(inThread)) },
    ];
    const goals: Goal[] = [
      { what: "event-loop delay p99 at 64 callers", actual: median(ours), limit: 10, unit: "ms" },
      {
        what: "event-loop delay p99 over an idle worker",
        actual: median(ours.map((ms, round) => ms / (idle[round] ?? 1))),
        limit: 2,
        unit: "×",
      },
    ];
    return { rows, goals };
  });
}

async function delayDuring(work: (end: number) => Promise<unknown>): Promise<number> {
  const histogram = monitorEventLoopDelay({ resolution: 1 });
  histogram.enable();
  await work(performance.now() + ROUND_MS);
  histogram.disable();
  return histogram.percentile(99) / 1e6;
}

async function callers(end: number, put: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const caller = async (): Promise<void> => {
    while (performance.now() < end) {
      next += 1;
      await put(next);
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
}

async function besideIdleWorker(end: number): Promise<void> {
  const worker = new Worker("setInterval(() => {}, 1_000)", { eval: true });
  await new Promise((resolve) => {
    setTimeout(resolve, end - performance.now());
  });
  await worker.terminate();
}

/** What the worker is for: the same commits, in the thread that serves requests. */
async function sqliteInThread(path: string, end: number): Promise<void> {
  const db = new DatabaseSync(path);
  db.exec(
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE entries (seq INTEGER PRIMARY KEY, entry TEXT NOT NULL)",
  );
  const insert = db.prepare("INSERT INTO entries (entry) VALUES (?)");
  while (performance.now() < end) {
    db.exec("BEGIN");
    for (let index = 0; index < CALLERS; index += 1) insert.run(JSON.stringify(data));
    db.exec("COMMIT");
    await new Promise((resolve) => setImmediate(resolve));
  }
  db.close();
}

function round2(value: number): number {
  return Math.round(value * 100) / 100;
}
