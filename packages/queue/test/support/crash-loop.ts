import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { createDatabase, type DatabaseService, mapConcurrent, type Row, stream } from "@db/core";
import { surreal } from "@db/surreal";
import { type SurrealServer, startSurreal } from "@db/testing";
import { readEntries } from "../../src/inspect.ts";

export interface CrashTask {
  readonly path: string;
  readonly url: string;
  readonly durability: "fsync" | "os";
  /** By record: the first write that is not acknowledged. */
  readonly next: Readonly<Record<string, number>>;
  /** While more than this wait, writers go on slowly. */
  readonly waitingAtFullSpeed: number;
  /** Apply all that waits, and end. */
  readonly drain: boolean;
}

export interface CrashReport {
  readonly acknowledged: number;
  readonly serverKills: number;
  readonly serviceKills: number;
  /** Writes that waited at a kill; and those of them that the database had already, their end not yet stored. */
  readonly waiting: number;
  readonly inDoubt: number;
  /** What breaks a promise, one sentence each. */
  readonly broken: readonly string[];
}

const RECORDS = 8;
/** For each round: as many as even a slow machine drains in time. */
const WAITING_AT_FULL_SPEED = 2_500;
/** What is in doubt is among the oldest. */
const ASKED = 500;
const program = new URL("crash-child.ts", import.meta.url);

/** Kills the service in each round, and the database in two of three, at random moments; then compares values. */
export async function crashLoop(
  rounds: number,
  onRound: (done: number, waiting: number) => void = () => {},
): Promise<CrashReport> {
  const folder = mkdtempSync(join(tmpdir(), "db-queue-crash-"));
  await using server = await startSurreal({ engine: "rocksdb" });
  const next: Record<string, number> = Object.fromEntries(
    Array.from({ length: RECORDS }, (_, index) => [`r${index}`, 0]),
  );
  const task = {
    path: join(folder, "queue.db"),
    url: server.url,
    durability: "fsync",
    waitingAtFullSpeed: rounds * WAITING_AT_FULL_SPEED,
  } as const;
  let [serverKills, waiting, inDoubt] = [0, 0, 0];
  const broken: string[] = [];
  await recordHistory(server);
  try {
    for (let round = 0; round < rounds; round += 1) {
      const service = new Service({ ...task, next, drain: false }, next, broken);
      await service.ready;
      const away = Math.random() < 2 / 3 ? outage(server) : undefined;
      if (away !== undefined) serverKills += 1;
      // At any time; and, where there is an outage, as often in the first moments of the replay after it.
      if (away !== undefined && Math.random() < 1 / 2) await away.then(() => setTimeout(Math.random() * 250));
      else await setTimeout(50 + Math.random() * 600);
      await service.kill();
      await away;
      const left = await leftBehind(server, task.path);
      waiting += left.waiting;
      inDoubt += left.inDoubt;
      onRound(round + 1, waiting);
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
  return { acknowledged, serverKills, serviceKills: rounds, waiting, inDoubt, broken };
}

async function outage(server: SurrealServer): Promise<void> {
  await setTimeout(Math.random() * 300);
  await server.kill();
  await setTimeout(Math.random() * 400);
  await server.restart();
}

function connected(server: SurrealServer): DatabaseService {
  const authentication = { username: "root", password: "root" };
  return createDatabase({ driver: surreal({ url: server.url, namespace: "test", database: "crash", authentication }) });
}

/** The database itself writes down each value that a record takes, in the transaction of the write. */
async function recordHistory(server: SurrealServer): Promise<void> {
  await using db = connected(server);
  await db.connect();
  await db.query(`
    DEFINE TABLE counters;
    DEFINE TABLE history;
    DEFINE EVENT history ON counters THEN {
      UPSERT type::record('history', <string>record::id($after.id) + '-' + <string>$after.n + '-' + <string>$after.last)
        SET record = record::id($after.id), times = (times OR 0) + 1, n = $after.n, last = $after.last,
          before = $before.last
    };`);
}

/** What a killed service has left in its queue. */
async function leftBehind(
  server: SurrealServer,
  path: string,
): Promise<{ readonly waiting: number; readonly inDoubt: number }> {
  const operationIds: string[] = [];
  readEntries(path, ({ entry }) => {
    if (entry !== undefined) operationIds.push(entry.operationId);
    return true;
  });
  await using db = connected(server);
  await db.connect();
  const known = await mapConcurrent(operationIds.slice(0, ASKED), (operationId) => db.wasApplied(operationId));
  return { waiting: operationIds.length, inDoubt: known.filter(Boolean).length };
}

/** What must be there: every value that each record has taken, in order. What is applied twice, or too late, stands in between. */
async function compare(server: SurrealServer, next: Readonly<Record<string, number>>): Promise<readonly string[]> {
  await using db = connected(server);
  await db.connect();
  const broken: string[] = [];
  for (const [record, count] of Object.entries(next)) {
    const row: Row | undefined = await db.read(`counters:${record}`);
    const history: Row[] = [];
    const where = { path: ["record"], op: "eq", value: record } as const;
    for await (const each of stream(db, "history", { where }, { pageSize: 5_000 })) history.push(each);
    history.sort((a, b) => Number(a.n) - Number(b.n) || Number(a.last) - Number(b.last));
    for (const [index, { n, last, times, before }] of history.entries())
      if (times !== 1 || before !== history[index - 1]?.last)
        broken.push(`${record}: was written ${times} times as ${n}, ${last}, at last over ${before}`);
    const found = history.map(({ n, last }): Pair => [Number(n), Number(last)]);
    // The one after the last acknowledged may be there or not: its acknowledgement was on its way.
    const expected = valuesAfter(count + 1);
    const wrong = found.findIndex((pair, index) => String(pair) !== String(expected[index]));
    if (wrong !== -1) broken.push(`${record}: the write ${wrong} left ${found[wrong]} instead of ${expected[wrong]}`);
    if (found.length < count) broken.push(`${record}: of ${count} acknowledged writes ${found.length} were applied`);
    if (row !== undefined && String([row.n, row.last]) !== String(found.at(-1)))
      broken.push(`${record}: is ${row.n}, ${row.last}, and was last written as ${found.at(-1)}`);
  }
  return broken;
}

type Pair = readonly [n: number, last: number];

/** The values of a record after each of its first writes, as `crash-child.ts` makes them. */
function valuesAfter(count: number): readonly Pair[] {
  const values: Pair[] = [];
  let [n, last] = [0, 0];
  for (let index = 0; index < count; index += 1) {
    if (index % 5 !== 4 && index % 2 === 1) n += 1;
    else last = index;
    values.push([n, last]);
  }
  return values;
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
