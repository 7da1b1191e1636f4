import { createDatabase, isDatabaseError } from "@db/core";
import { sqlite } from "./sqlite-driver.ts";

await using db = createDatabase({ driver: sqlite({ path: "./shop.db" }) });
await db.connect();

const { id } = await db.create("orders", { total: 12n, at: new Date(0), tags: ["new"] });
await db.transaction(async (tx) => {
  await tx.update(id, { total: 1 }, { mode: "increment" });
  await tx.create("invoices", { order: id });
});
console.log((await db.read(id))?.total, await db.count("invoices"));

await db.query("CREATE TABLE tags (name TEXT UNIQUE)");
const add = (name: string) => db.query("INSERT INTO tags VALUES ($name)", { name });
await add("red");
console.log(await add("red").catch(codeOf), "|", await db.query("COMMIT").catch(codeOf));
console.log(await db.query("SELECT name FROM tags", {}, { access: "read" }));

function codeOf(error: unknown): string {
  return isDatabaseError(error) ? `${error.code}, effect ${error.effect}` : String(error);
}
