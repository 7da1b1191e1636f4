import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Case, compare, type Goal, type Measured, report } from "@db/bench";
import { createDatabase, type DatabaseService, type Driver, type Layer } from "@db/core";
import { surreal } from "@db/surreal";
import { startSurreal } from "@db/testing";

/** Writes with and without a row in the ledger, in turn, on one driver; the ledger holds many rows before. */
const ROWS_BEFORE = 20_000;
const AT_ONCE = 64;
const asksForLedger: Layer = (next) => (operation, context) => next(operation, context.with({ ledger: true }));
const note = { title: "a title", content: "x".repeat(200), tags: ["a", "b"], n: 1 };

async function measure(engine: string, driver: Driver): Promise<readonly Measured[]> {
  const plain = createDatabase({ driver });
  await plain.connect();
  const ledgered = createDatabase({ driver, layers: [asksForLedger] });
  await fill(plain, ledgered);

  const cases: Case[] = [
    ...pair(engine, "create", plain, ledgered, (db) => db.create("notes", note)),
    ...pair(engine, "update", plain, ledgered, (db) => db.update("notes:1", { n: 2 })),
    ...pair(engine, "increment", plain, ledgered, (db) => db.update("notes:1", { n: 1 }, { mode: "increment" })),
    ...pair(engine, `create, ${AT_ONCE} at once`, plain, ledgered, (db) =>
      Promise.all(Array.from({ length: AT_ONCE }, () => db.create("notes", note))),
    ),
  ];
  // Short rounds and many: the least of them is one that nothing else on the machine has met.
  const measured = [
    ...(await compare(cases.slice(0, -2), { operations: 10, rounds: 60 })),
    ...(await compare(cases.slice(-2), { operations: 1, rounds: 200 })),
  ];
  await plain.disconnect();
  return measured;
}

function pair(
  engine: string,
  name: string,
  plain: DatabaseService,
  ledgered: DatabaseService,
  write: (db: DatabaseService) => Promise<unknown>,
): readonly Case[] {
  return [
    { name: `${engine}: ${name}`, run: () => write(plain) },
    { name: `${engine}: ${name}, ledger`, run: () => write(ledgered) },
  ];
}

async function fill(plain: DatabaseService, ledgered: DatabaseService): Promise<void> {
  await ledgered.create("notes", note, { id: "notes:1" });
  for (let start = 0; start < ROWS_BEFORE; start += 500) {
    const rows = Array.from({ length: 500 }, (_, n) => ({
      id: `~before-${start + n}`,
      at: new Date(),
      record: "notes:0",
    }));
    await plain.query("INSERT INTO `db-ledger` $rows RETURN NONE", { rows });
  }
}

/** A pair's ratio of minima: what the ledger costs, without the machine's other work. */
function ratiosOf(measured: readonly Measured[]): readonly { readonly name: string; readonly ratio: number }[] {
  return measured.flatMap(({ name, minNs }) => {
    const other = measured.find((row) => row.name === `${name}, ledger`);
    return other === undefined
      ? []
      : [{ name: `${name}: with the ledger / without (min)`, ratio: other.minNs / minNs }];
  });
}

const place = { namespace: "bench", database: "bench" };
const folder = mkdtempSync(join(tmpdir(), "db-ledger-bench-"));
await using server = await startSurreal({ engine: "rocksdb" });
const authentication = { username: "root", password: "root" };
const measured = [
  ...(await measure("mem", surreal({ url: "mem://", ...place }))),
  ...(await measure("rocksdb", surreal({ url: `rocksdb://${folder}`, ...place }))),
  ...(await measure("WebSocket, rocksdb", surreal({ url: server.url, authentication, ...place }))),
];
rmSync(folder, { recursive: true });
const ratios = ratiosOf(measured);
const goals: readonly Goal[] = ratios.map(({ name, ratio }) => ({ what: name, actual: ratio, limit: 1.5, unit: "×" }));
console.table(ratios);
report("surreal-ledger", [...measured, ...ratios], goals);
