import { createDatabase, DatabaseErrorOf } from "@db/core";
import { MockDatabase } from "@db/testing";
import { readOnlyGate } from "./a-layer.ts";
import { ReadCache } from "./read-cache.ts";
import { repeatOnce } from "./repeat-once.ts";

const driver = new MockDatabase();
const cache = new ReadCache({ maxAgeMs: 500 });
let readOnly = false;
await using db = createDatabase({ driver, layers: [readOnlyGate(() => readOnly), cache.layer, repeatOnce()] });
await db.connect();

driver.failNext(new DatabaseErrorOf("CONFLICT", "somebody else was first", {}), { kind: "create" });
const { id } = await db.create("notes", { title: "Milk" });
console.log(driver.calls.map(({ kind, outcome, attempt }) => `${kind} ${attempt} ${outcome}`).slice(1));

await db.read(id);
await db.update(id, { title: "Bread" });
console.log((await db.read(id))?.title, (await db.read(id))?.title, cache.hits);

readOnly = true;
console.log(await db.delete(id).catch(({ code, effect }) => `${code}, effect ${effect}`));
