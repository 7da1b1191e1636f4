// What becomes of calls when the network or the server fails: the official SDK and @db/surreal, each with its defaults,
// through the same faults. Usage: node bench/faults.bench.ts [--client sdk|ours] [--only TEXT]
import { parseArgs } from "node:util";
import { report } from "@db/bench";
import type { ClientName } from "./fault-clients.ts";
import { type FaultResult, runFault } from "./fault-run.ts";
import { scripts } from "./fault-scripts.ts";

const { values } = parseArgs({ options: { client: { type: "string" }, only: { type: "string" } } });
const chosen = scripts.filter(({ name }) => name.includes(values.only ?? ""));
const clients: readonly ClientName[] = values.client === undefined ? ["sdk", "ours"] : [values.client as ClientName];
const results: FaultResult[] = [];

for (const script of chosen) {
  for (const client of clients) {
    const result = await runFault(client, script);
    results.push(result);
    console.log(JSON.stringify(result));
  }
}

console.log(table(results));
const whole = chosen.length === scripts.length && values.client === undefined;
if (whole) {
  const ours = results.filter(({ client }) => client === "ours");
  const sum = (count: (result: FaultResult) => number): number =>
    ours.reduce((total, result) => total + count(result), 0);
  report("surreal-faults", results, [
    { what: "calls of ours that hang", actual: sum(({ hanging }) => hanging), limit: 0, unit: "calls" },
    { what: "acknowledged writes of ours lost", actual: sum(({ lost }) => lost), limit: 0, unit: "writes" },
    { what: "writes of ours applied twice", actual: sum(({ twice }) => twice), limit: 0, unit: "writes" },
    { what: "unhandled rejections of ours", actual: sum(({ unhandled }) => unhandled), limit: 0, unit: "rejections" },
  ]);
}
process.exit();

/** For the README: a line for each fault, the SDK and ours side by side. */
function table(all: readonly FaultResult[]): string {
  const lines = chosen.map(({ name }) => {
    const cells = clients.map((client) => {
      const result = all.find((one) => one.fault === name && one.client === client);
      return result === undefined ? "" : describe(result);
    });
    return `| ${[name, ...cells].join(" | ")} |`;
  });
  return [`| ${["fault", ...clients].join(" | ")} |`, `| --- |${" --- |".repeat(clients.length)}`, ...lines].join("\n");
}

/** What went wrong, then when calls worked again. */
function describe({ hanging, lost, twice, unhandled, recoveredMs }: FaultResult): string {
  const wrong = [
    [hanging, "hang"],
    [lost, "lost"],
    [twice, "applied twice"],
    [unhandled, "unhandled"],
  ] as const;
  const recovery =
    recoveredMs === undefined ? "never works again" : `works after ${(recoveredMs / 1_000).toFixed(1)} s`;
  return [...wrong.filter(([count]) => count > 0).map(([count, what]) => `**${count} ${what}**`), recovery].join(", ");
}
