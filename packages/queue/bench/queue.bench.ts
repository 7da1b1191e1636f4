import { report } from "@db/bench";
import { enqueue } from "./enqueue.ts";
import { eventLoop } from "./event-loop.ts";
import { million } from "./million.ts";
import { passThrough } from "./pass-through.ts";
import { replay } from "./replay.ts";

/** `node bench/queue.bench.ts enqueue` runs some scenarios, without writing results. */
const scenarios = {
  enqueue: () => enqueue(9),
  eventLoop: () => eventLoop(5),
  million,
  replay: () => replay(3),
  passThrough,
};
const only = process.argv.slice(2);

const rows: object[] = [];
const goals = [];
for (const [scenario, run] of Object.entries(scenarios)) {
  if (only.length > 0 && !only.includes(scenario)) continue;
  const result = await run();
  if (only.length > 0) console.table(result.rows);
  rows.push(...result.rows.map((row) => ({ scenario, ...row })));
  goals.push(...result.goals);
}
if (only.length > 0) console.table(goals);
else report("queue", rows, goals);
