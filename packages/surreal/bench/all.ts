import { spawnSync } from "node:child_process";

// Each in a process of its own: the engine keeps one alive, and warms up differently beside another.
const FLAGS = ["--disable-warning=ExperimentalWarning", "--expose-gc", "--min-semi-space-size=64"];
const BENCHES = ["embedded", "ledger", "remote", "faults"];
const chosen = process.argv.slice(2);
const unknown = chosen.find((name) => !BENCHES.includes(name));
if (unknown !== undefined) throw new Error(`expected one of ${BENCHES.join(", ")}, got ${unknown}`);

for (const bench of chosen.length === 0 ? BENCHES : chosen) {
  const file = new URL(`${bench}.bench.ts`, import.meta.url).pathname;
  const { status, signal } = spawnSync(process.execPath, [...FLAGS, file], { stdio: "inherit" });
  if (signal !== null) process.exit(1);
  // A goal missed; the others are measured all the same.
  if (status !== 0) process.exitCode = 1;
}
