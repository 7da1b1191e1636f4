import { compare, report } from "@db/bench";
import { createDatabase, eq, isIn } from "@db/core";
import { surreal } from "@db/surreal";
import { createNodeEngines } from "@surrealdb/node";
import { RecordId, Surreal } from "surrealdb";
import { newId, note } from "./compared.ts";

const scope = { namespace: "bench", database: "bench" };
const raw = new Surreal({ engines: createNodeEngines() });
await raw.connect("mem://", scope);
const db = createDatabase({ driver: surreal({ url: "mem://", ...scope }) });
await db.connect();

const id = new RecordId("notes", "1");
await raw.query("CREATE ONLY $id CONTENT $note", { id, note });
await db.create("notes", note, { id: "notes:1" });

const calls = await compare(
  [
    { name: "read, SDK", run: () => raw.query("SELECT * FROM ONLY $id", { id }).collect() },
    { name: "read, ours", run: () => db.read("notes:1") },
    {
      name: "create, SDK",
      run: () => raw.query("CREATE ONLY $id CONTENT $note RETURN NONE", { id: newId(), note }).collect(),
    },
    { name: "create, ours", run: () => db.create("made", note) },
    {
      name: "update, SDK",
      run: () => raw.query("UPDATE ONLY $id MERGE $patch RETURN NONE", { id, patch: { n: 2 } }).collect(),
    },
    { name: "update, ours", run: () => db.update("notes:1", { n: 2 }) },
  ],
  { operations: 300, rounds: 9 },
);

const ROWS = 20_000;
// In portions: engine 3.0.2 takes four times as long for an INSERT of twice the rows.
for (let start = 0; start < ROWS; start += 500) {
  const rows = Array.from({ length: 500 }, (_, offset) => start + offset).map((n) => ({
    id: String(n).padStart(8, "0"),
    n,
    author: `a${n % 50}`,
  }));
  await db.query("INSERT INTO rows $rows RETURN NONE", { rows });
}
const page = await db.find("rows", { limit: 100 });
const down = await db.find("rows", { order: [["id", "desc"]], limit: 100 });
const scans = await compare(
  [
    { name: "page of 100 of 20,000 rows by id", run: () => db.find("rows", { limit: 100, after: String(page.next) }) },
    {
      name: "page of 100 of 20,000 rows by id, downwards",
      run: () => db.find("rows", { order: [["id", "desc"]], limit: 100, after: String(down.next) }),
    },
    {
      name: "page of 100 of 20,000 rows by a filter",
      run: () => db.find("rows", { where: eq("author", "a7"), limit: 100 }),
    },
    {
      name: "page of 100 of 20,000 rows ordered by a field",
      run: () => db.find("rows", { order: [["n", "desc"]], limit: 100 }),
    },
    { name: "count of 20,000 rows", run: () => db.count("rows") },
    { name: "count of 20,000 rows by a filter", run: () => db.count("rows", isIn("author", ["a1", "a2"])) },
  ],
  { operations: 3, rounds: 5 },
);

const ratio = (ours: string, sdk: string): number => {
  const of = (name: string): number => calls.find((row) => row.name === name)?.minNs ?? Number.NaN;
  return of(ours) / of(sdk);
};
// No goal is set for the embedded engine: the ratios are there to see a change.
const ratios = ["read", "create", "update"].map((kind) => ({
  name: `${kind}, ours / SDK (min)`,
  ratio: ratio(`${kind}, ours`, `${kind}, SDK`),
}));
console.table(ratios);
report("surreal-embedded", [...calls, ...scans, ...ratios], []);
await raw.close();
await db.disconnect();
