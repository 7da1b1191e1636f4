import { closeSync, fdatasyncSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Goal } from "@db/bench";
import { WriteQueue } from "@db/queue";
import Database from "better-sqlite3";
import { ClassicLevel } from "classic-level";
import { inScratch, median } from "./scratch.ts";

/** About 300 bytes as JSON. */
export const data = {
  title: "Groceries for the weekend",
  body: "milk, bread, two kinds of cheese, apples, and whatever is left of the season's last tomatoes",
  tags: ["home", "errands"],
  pinned: false,
  words: 17,
  author: "ann",
};

/** One way of making a write durable. Resolves when it is. */
interface Way {
  readonly name: string;
  readonly put: (index: number) => unknown;
  readonly close: () => unknown;
}

type Make = (folder: string) => Promise<Way>;

/** Append 300 bytes and sync: less cannot be had. */
const floor: Make = async (folder) => {
  const file = openSync(join(folder, "floor"), "a");
  const bytes = Buffer.alloc(300, 97);
  const put = (): void => {
    writeSync(file, bytes);
    fdatasyncSync(file);
  };
  return { name: "floor: append + fdatasync", put, close: () => closeSync(file) };
};

const ours: Make = async (folder) => {
  const queue = await WriteQueue.open({ path: join(folder, "queue.db") });
  const put = (index: number): unknown =>
    queue.enqueue({ kind: "create", id: `notes:${index.toString().padStart(12, "0")}`, data });
  return { name: "@db/queue", put, close: () => queue.close() };
};

const level: Make = async (folder) => {
  const db = new ClassicLevel<string, object>(join(folder, "level"), { valueEncoding: "json" });
  await db.open();
  const put = (index: number): unknown => db.put(`notes:${index.toString().padStart(12, "0")}`, data, { sync: true });
  return { name: "classic-level, sync", put, close: () => db.close() };
};

const betterSqlite: Make = async (folder) => {
  const db = new Database(join(folder, "better.db"));
  db.pragma("journal_mode = WAL");
  db.pragma("synchronous = FULL");
  db.exec("CREATE TABLE entries (seq INTEGER PRIMARY KEY, entry TEXT NOT NULL)");
  const insert = db.prepare("INSERT INTO entries (entry) VALUES (?)");
  const put = (): unknown => insert.run(JSON.stringify(data));
  return { name: "better-sqlite3, an entry each", put, close: () => db.close() };
};

const CASES: readonly { readonly make: Make; readonly callers: number }[] = [
  { make: floor, callers: 1 },
  { make: ours, callers: 1 },
  { make: ours, callers: 64 },
  { make: ours, callers: 1_000 },
  { make: level, callers: 64 },
  { make: betterSqlite, callers: 64 },
];
const ROUND_MS = 400;
const WARM_MS = 100;

/** Durable writes per second by 1, 64 and 1,000 callers, each of whom waits for his own; round by round in turn with the floor. */
export async function enqueue(
  rounds: number,
): Promise<{ readonly rows: readonly object[]; readonly goals: readonly Goal[] }> {
  return inScratch(async (folder) => {
    const rates: number[][] = CASES.map(() => []);
    let next = 0;
    const names: string[] = [];
    for (let round = 0; round < rounds; round += 1) {
      for (const [index, { make, callers }] of CASES.entries()) {
        const own = join(folder, `${round}-${index}`);
        mkdirSync(own);
        const way = await make(own);
        names[index] = `${way.name}, ${callers} callers`;
        await run(way, callers, WARM_MS, () => next++);
        rates[index]?.push(await run(way, callers, ROUND_MS, () => next++));
        await way.close();
        rmSync(own, { recursive: true });
      }
    }
    const of = (index: number): readonly number[] => rates[index] ?? [];
    const over = (index: number, base: number): number =>
      median(of(index).map((rate, round) => rate / (of(base)[round] ?? 1)));
    const rows = CASES.map((_, index) => ({
      name: names[index],
      medianPerSecond: Math.round(median(of(index))),
      bestPerSecond: Math.round(Math.max(...of(index))),
      overFloor: Number(over(index, 0).toFixed(2)),
    }));
    const goal = (what: string, ratio: number, wanted: number): Goal => ({
      what,
      actual: wanted / ratio,
      limit: 1,
      unit: `of ${wanted} ×`,
    });
    const goals = [
      goal("1 caller over the floor", over(1, 0), 0.6),
      goal("64 callers over the floor", over(2, 0), 12),
      goal("1,000 callers over the floor", over(3, 0), 30),
      goal("64 callers over classic-level with sync", over(2, 4), 3),
      goal("64 callers over better-sqlite3, an entry each", over(2, 5), 3),
    ];
    return { rows, goals };
  });
}

async function run(way: Way, callers: number, ms: number, next: () => number): Promise<number> {
  const start = performance.now();
  const end = start + ms;
  let count = 0;
  const caller = async (): Promise<void> => {
    while (performance.now() < end) {
      await way.put(next());
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return (count * 1_000) / (performance.now() - start);
}
