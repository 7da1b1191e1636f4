import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { createDatabase, type Row } from "@db/core";
import { surreal } from "@db/surreal";
import { type SurrealServer, startSurreal } from "@db/testing";

export interface CrashTask {
  readonly path: string;
  readonly url: string;
  readonly durability: "fsync" | "os";
  /** By record: the first write that is not acknowledged. */
  readonly next: Readonly<Record<string, number>>;
  /** Apply all that waits, and end. */
  readonly drain: boolean;
}

export interface CrashReport {
  readonly acknowledged: number;
  readonly serverKills: number;
  readonly serviceKills: number;
  /** What breaks a promise, one sentence each. */
  readonly broken: readonly string[];
}

const RECORDS = 8;
const program = new URL("crash-child.ts", import.meta.url);

/** Kills the service in each round, and the database in two of three, at random moments; then compares values. */
export async function crashLoop(rounds: number): Promise<CrashReport> {
  const folder = mkdtempSync(join(tmpdir(), "db-queue-crash-"));
  await using server = await startSurreal({ engine: "rocksdb" });
  const next: Record<string, number> = Object.fromEntries(
    Array.from({ length: RECORDS }, (_, index) => [`r${index}`, 0]),
  );
  const task = { path: join(folder, "queue.db"), url: server.url, durability: "fsync" } as const;
  let serverKills = 0;
  const broken: string[] = [];
  try {
    for (let round = 0; round < rounds; round += 1) {
      const service = new Service({ ...task, next, drain: false }, next, broken);
      await service.ready;
      const away = Math.random() < 2 / 3 ? outage(server) : undefined;
      if (away !== undefined) serverKills += 1;
      await setTimeout(50 + Math.random() * 600);
      await service.kill();
      await away;
    }
    const last = new Service({ ...task, next, drain: true }, next, broken);
    await last.ended;
    if (last.drained === undefined) broken.push("the last service did not drain the queue");
    else if (last.drained.pending !== 0) broken.push(`after the drain ${JSON.stringify(last.drained)} is left`);
    broken.push(...(await compare(server, next)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const acknowledged = Object.values(next).reduce((sum, count) => sum + count, 0);
  return { acknowledged, serverKills, serviceKills: rounds, broken };
}

async function outage(server: SurrealServer): Promise<void> {
  await setTimeout(Math.random() * 300);
  await server.kill();
  await setTimeout(Math.random() * 400);
  await server.restart();
}

/** What must be there, by value: each increment once, and the last write of each record. */
async function compare(server: SurrealServer, next: Readonly<Record<string, number>>): Promise<readonly string[]> {
  const driver = surreal({
    url: server.url,
    namespace: "test",
    database: "crash",
    authentication: { username: "root", password: "root" },
  });
  await using db = createDatabase({ driver });
  await db.connect();
  const broken: string[] = [];
  for (const [record, count] of Object.entries(next)) {
    const row: Row | undefined = await db.read(`counters:${record}`);
    // The one after the last acknowledged may be there or not: its acknowledgement was on its way.
    const expected = [valueAfter(count), valueAfter(count + 1)];
    const found = { n: row?.n, last: row?.last };
    if (!expected.some(({ n, last }) => n === found.n && last === found.last))
      broken.push(
        `${record}: after ${count} writes expected ${JSON.stringify(expected[0])}, got ${JSON.stringify(found)}`,
      );
  }
  return broken;
}

/** The value of a record after its first writes, as `crash-child.ts` makes them. */
function valueAfter(count: number): { readonly n: number | undefined; readonly last: number | undefined } {
  if (count === 0) return { n: undefined, last: undefined };
  let [n, last] = [0, 0];
  for (let index = 1; index < count; index += 1) {
    if (index % 5 !== 4 && index % 2 === 1) n += 1;
    else last = index;
  }
  return { n, last };
}

class Service {
  readonly ready: Promise<void>;
  readonly ended: Promise<void>;
  drained: { readonly pending: number } | undefined;
  readonly #child: ChildProcess;

  constructor(task: CrashTask, next: Record<string, number>, broken: string[]) {
    const child = spawn(process.execPath, [program.pathname, JSON.stringify(task)], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    const ready = Promise.withResolvers<void>();
    this.ready = ready.promise;
    const lines = createInterface({ input: child.stdout });
    lines.on("line", (line) => {
      const [what, record = "", index = ""] = line.split(" ");
      if (what === "ready") ready.resolve();
      else if (what === "drained") this.drained = JSON.parse(line.slice("drained ".length)) as { pending: number };
      else if (what === "ack") {
        if (next[record] !== Number(index)) broken.push(`${record}: acknowledged ${index} instead of ${next[record]}`);
        next[record] = Number(index) + 1;
      }
    });
    let told = "";
    child.stderr.on("data", (bytes) => {
      told += String(bytes);
    });
    this.ended = new Promise((resolve) => {
      lines.on("close", () => {
        if (told !== "") broken.push(`the service said: ${told.slice(0, 2_000)}`);
        ready.resolve();
        resolve();
      });
    });
  }

  /** Resolves when all that it had printed is read. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.ended;
  }
}
