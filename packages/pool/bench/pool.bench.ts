import { report } from "@db/bench";
import { expiry } from "./expiry.ts";
import { hit } from "./hit.ts";
import { line } from "./line.ts";
import { outage } from "./outage.ts";
import { overload } from "./overload.ts";

/** One scenario after the other: `node bench/pool.bench.ts hit line` runs some of them, without writing results. */
const scenarios = { hit, line, expiry, outage, overload: () => overload(30_000) };
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
else report("pool", rows, goals);
// Timers of a peer would keep the process alive.
process.exit();
