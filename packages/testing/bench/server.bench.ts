import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { report } from "@db/bench";
import { startSurreal } from "@db/testing";
import { createNodeEngines } from "@surrealdb/node";
import { RecordId, Surreal } from "surrealdb";

/**
 * What the server costs: the official SDK over it, beside the same SDK over the embedded engine in its own process, in
 * turns. The engine and the SDK share a process in one case and have one each in the other.
 */
const ROUNDS = 5;
const OPERATIONS = { 1: 400, 64: 2_000 } as const;
const scope = { namespace: "bench", database: "bench" };
const note = { title: "a title", content: "x".repeat(200), tags: ["a", "b"], n: 1 };
const id = new RecordId("notes", "1");
let made = 0;

const kinds: { readonly [name: string]: (db: Surreal) => Promise<unknown> } = {
  "RETURN 1": (db) => db.query("RETURN 1").collect(),
  create: (db) => {
    made += 1;
    return db.query("CREATE ONLY $id CONTENT $note RETURN NONE", { id: new RecordId("made", made), note }).collect();
  },
  "select by id": (db) => db.query("SELECT * FROM ONLY $id", { id }).collect(),
};

/** Operations a second with so many callers, each of which waits for its answer. */
async function throughput(db: Surreal, run: (db: Surreal) => Promise<unknown>, callers: 1 | 64): Promise<number> {
  let left: number = OPERATIONS[callers];
  const start = performance.now();
  const caller = async (): Promise<void> => {
    for (; left > 0; left -= 1) await run(db);
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return (OPERATIONS[callers] / (performance.now() - start)) * 1_000;
}

const rows: object[] = [];
const folder = mkdtempSync(join(tmpdir(), "surreal-bench-"));
for (const engine of ["mem", "rocksdb"] as const) {
  await using server = await startSurreal({ engine });
  const remote = new Surreal();
  await remote.connect(server.url, { ...scope, authentication: { username: "root", password: "root" } });
  const direct = new Surreal({ engines: createNodeEngines() });
  await direct.connect(`${engine}://${engine === "mem" ? "" : folder}`, scope);
  for (const db of [remote, direct]) await db.query("DEFINE TABLE made; CREATE ONLY $id CONTENT $note", { id, note });
  for (const [name, run] of Object.entries(kinds))
    for (const callers of [1, 64] as const) {
      const best = { direct: 0, remote: 0 };
      for (let round = 0; round < ROUNDS; round += 1) {
        best.direct = Math.max(best.direct, await throughput(direct, run, callers));
        best.remote = Math.max(best.remote, await throughput(remote, run, callers));
      }
      rows.push({
        engine,
        call: name,
        callers,
        embeddedPerSecond: Math.round(best.direct),
        serverPerSecond: Math.round(best.remote),
        ratio: Number((best.remote / best.direct).toFixed(2)),
      });
    }
  await remote.close();
  await direct.close();
}
// No goal: the figures say what a driver over this server can at most reach.
report("testing-surreal", rows, []);
rmSync(folder, { recursive: true });
process.exit();
