import { createDatabase, type DatabaseService } from "@db/core";
import { expect, test } from "vitest";
import { mapDriver } from "./a-driver.ts";
import { readOnlyGate } from "./a-layer.ts";

const refused = { code: "PERMISSION_DENIED", effect: "none", message: "the service is read-only for now" };

test.each<[string, (db: DatabaseService) => Promise<unknown>]>([
  ["a create", (db) => db.create("notes", {})],
  ["an update", (db) => db.update("notes:1", {})],
  ["a delete", (db) => db.delete("notes:1")],
  ["a query that may write", (db) => db.query("X")],
  ["a transaction", (db) => db.transaction(async () => {})],
])("while the gate is closed %s is refused, and reads go on", async (_name, write) => {
  let readOnly = false;
  await using db = createDatabase({ driver: mapDriver(), layers: [readOnlyGate(() => readOnly)] });
  await db.connect();
  await db.create("notes", { title: "Milk" }, { id: "notes:1" });

  readOnly = true;
  await expect(write(db)).rejects.toMatchObject(refused);
  expect(await db.read("notes:1")).toEqual({ id: "notes:1", title: "Milk" });
  expect(await db.count("notes")).toBe(1);

  readOnly = false;
  await db.delete("notes:1");
  expect(await db.count("notes")).toBe(0);
});
