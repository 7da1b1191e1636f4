import { createDatabase, DatabaseErrorOf } from "@db/core";
import { WriteQueue } from "@db/queue";
import { MockDatabase } from "@db/testing";

const driver = new MockDatabase();
await using queue = await WriteQueue.open({ durability: "memory" });
await using db = createDatabase({ driver, layers: [queue.layer] });
await db.connect();

driver.goAway();
const { operationId } = await db.create("orders", { total: 12 });
driver.failNext(new DatabaseErrorOf("PERMISSION_DENIED", "no right to write orders", {}), { kind: "create" });
driver.comeBack();
await queue.barrier();

for (const letter of await queue.deadLetters()) console.log(letter.kind, letter.lastError?.code, letter.parked);
await queue.redrive(operationId); // once the right was given
await queue.barrier();
console.log(queue.outcome(operationId), queue.stats().dead);
