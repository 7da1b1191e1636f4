import { writeSync } from "node:fs";
import { isDatabaseError } from "@db/core";
import { WriteQueue } from "@db/queue";

/** Stores writes of three callers and says of each, with one system call, what came of it. Ends without closing. */
const { path, durability, count } = JSON.parse(process.argv[2] ?? "") as {
  readonly path: string;
  readonly durability: "fsync" | "os";
  readonly count: number;
};
const say = (line: string): number => writeSync(1, `${line}\n`);
try {
  const queue = await WriteQueue.open({ path, durability });
  say("open");
  let next = 0;
  const caller = async (): Promise<void> => {
    while (next < count) {
      const index = next;
      next += 1;
      try {
        await queue.enqueue(
          { kind: "create", id: `notes:${index}`, data: { text: "x".repeat(200) } },
          { operationId: `op-${index}` },
        );
        say(`ack ${index}`);
      } catch (error) {
        if (!isDatabaseError(error)) throw error;
        say(`${error.effect} ${index} ${error.code}`);
      }
    }
  };
  await Promise.all([caller(), caller(), caller()]);
  say("end");
} catch (error) {
  if (!isDatabaseError(error)) throw error;
  say(`refused ${error.code} ${error.message}`);
}
process.exit(0);
