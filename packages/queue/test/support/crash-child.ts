import { attemptTimeout, createDatabase, isDatabaseError } from "@db/core";
import { WriteQueue } from "@db/queue";
import { retryLayer } from "@db/retry/layer";
import { surreal } from "@db/surreal";
import type { CrashTask } from "./crash-loop.ts";

const SLOW_MS = 50;

/**
 * The service that is killed: each record has one writer, who sends its writes one after the other and prints each
 * acknowledgement. A write that nobody acknowledged before the kill is sent again under its own operation id, as a client does.
 */
const say = (line: string): boolean => process.stdout.write(`${line}\n`);
const task = JSON.parse(process.argv[2] ?? "") as CrashTask;
const queue = await WriteQueue.open({
  path: task.path,
  durability: task.durability,
  acceptWhileUnavailable: true,
  maxBackoffMs: 200,
  attemptTimeoutMs: 2_000,
});
const driver = surreal({
  url: task.url,
  namespace: "test",
  database: "crash",
  authentication: { username: "root", password: "root" },
});
const db = createDatabase({
  driver,
  layers: [queue.layer, retryLayer(), attemptTimeout({ timeoutMs: 2_000 })],
  timeoutMs: 4_000,
});
const connecting = db.connect();
connecting.catch(() => {});
while (driver.state.name === "disconnected") await new Promise((resolve) => setTimeout(resolve, 5));

if (task.drain) {
  await connecting;
  await queue.barrier();
  const stats = queue.stats();
  say(`drained ${JSON.stringify({ ...stats, letters: await queue.deadLetters() })}`);
  await db.disconnect();
  await queue.close();
  process.exit(0);
}
say("ready");
await Promise.all(Object.entries(task.next).map(([record, from]) => write(record, from)));

async function write(record: string, from: number): Promise<never> {
  const id = `counters:${record}`;
  for (let index = from; ; index += 1) {
    // An outage is as long as the database takes to start, which is the machine's affair; the drain after it need not be.
    if (queue.stats().pending >= task.waitingAtFullSpeed) await new Promise((resolve) => setTimeout(resolve, SLOW_MS));
    for (;;) {
      try {
        const operationId = `${record}-${index}`;
        // Some by hand, as a caller without a service does; most as the application writes.
        if (index === 0) await db.create("counters", { n: 0, last: 0 }, { id, operationId });
        else if (index % 5 === 4) await queue.enqueue({ kind: "update", id, data: { last: index } }, { operationId });
        else if (index % 2 === 1) await db.update(id, { n: 1 }, { mode: "increment", operationId });
        else await db.update(id, { last: index }, { operationId });
        break;
      } catch (error) {
        if (!isDatabaseError(error)) throw error;
        say(`error ${record} ${index} ${error.code}`);
        if (error.code === "NOT_FOUND" || error.code === "CLOSED") throw error;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
    // A pipe is written at once: what the parent reads was acknowledged.
    say(`ack ${record} ${index}`);
    if (index % 7 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
