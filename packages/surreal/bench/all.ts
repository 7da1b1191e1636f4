import { execFileSync } from "node:child_process";

// Each in a process of its own: the engine keeps one alive, and warms up differently beside another.
const FLAGS = ["--disable-warning=ExperimentalWarning", "--expose-gc", "--min-semi-space-size=64"];
for (const bench of ["embedded", "ledger", "remote", "faults"])
  execFileSync(process.execPath, [...FLAGS, new URL(`${bench}.bench.ts`, import.meta.url).pathname], {
    stdio: "inherit",
  });
