import { attemptTimeout, createDatabase, isDatabaseError, logLayer } from "@db/core";
import { WriteQueue } from "@db/queue";
import { retryLayer } from "@db/retry/layer";
import { MockDatabase } from "@db/testing";

const driver = new MockDatabase(); // surreal({ url, … }) in earnest
const silent = (): void => {};
const logger = { debug: silent, info: silent, warn: silent, error: silent }; // pino, or any of this shape

await using queue = await WriteQueue.open({ path: "./data/writes.db", readYourWrites: true });
await using db = createDatabase({
  driver,
  timeoutMs: 6_000,
  layers: [queue.layer, retryLayer(), attemptTimeout({ timeoutMs: 2_000 }), logLayer({ logger })],
});
await db.connect();

driver.goAway();
const { id, operationId, status } = await db.create("orders", { total: 12 });
console.log(status, queue.outcome(operationId), await db.count("orders", undefined, { timeoutMs: 100 }).catch(codeOf));
console.log((await db.read(id))?.total); // readYourWrites
console.log(await db.update(id, { total: 13 }, { expect: { total: 12 }, timeoutMs: 100 }).catch(codeOf)); // not stored

driver.comeBack();
await queue.barrier();
console.log(queue.outcome(operationId), await db.count("orders"));

function codeOf(error: unknown): string {
  return isDatabaseError(error) ? `${error.code}, effect ${error.effect}` : String(error);
}
