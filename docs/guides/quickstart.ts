import { attemptTimeout, createDatabase, eq, isDatabaseError } from "@db/core";
import { surreal } from "@db/surreal";

await using db = createDatabase({
  driver: surreal({ url: "rocksdb://./data/quickstart", namespace: "shop", database: "main" }),
  layers: [attemptTimeout({ timeoutMs: 5_000 })],
});
await db.connect();
const { id } = await db.create("orders", { customer: "ann", paid: false });
await db.transaction(async (tx) => {
  await tx.update(id, { paid: true }, { expect: { paid: false } });
  await tx.update("accounts:ann", { orders: 1 }, { mode: "increment" }).catch(async (error) => {
    if (!isDatabaseError(error) || error.code !== "NOT_FOUND") throw error;
    await tx.create("accounts", { orders: 1 }, { id: "accounts:ann" });
  });
});
console.log((await db.find("orders", { where: eq("customer", "ann"), limit: 10 })).items);
