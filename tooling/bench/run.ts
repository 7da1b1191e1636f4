// The benchmarks of the packages: `npm run bench`.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { endChildren, runChild } from "../checks/child.ts";
import { publishedMembers } from "../checks/workspace.ts";
import { show } from "./report.ts";
import { medianOf, type Results } from "./results.ts";

const packages = publishedMembers()
  .filter(({ manifest }) => manifest.scripts?.bench !== undefined)
  .map(({ manifest }) => manifest.name.replace("@db/", ""));

const usage = `Usage: npm run bench [-- NAME … [--runs N]]

Measures one package after the other, prints each figure beside its goal, and writes them to bench/results. Exits with
1 where a goal is missed. Nothing else should run on the machine meanwhile.

  NAME       ${packages.join(", ")}; all of them when none is named.
             A part of surreal: surreal/embedded, surreal/ledger, surreal/remote, surreal/faults
  --runs N   measure N times (1 to 99, default 1) and keep the median of each figure, and its range beside each goal
  --help     show this text
`;

let interruptedBy: NodeJS.Signals | undefined;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    interruptedBy ??= signal;
    endChildren();
  });
}

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  let names: readonly string[];
  let runs: number;
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { help: { type: "boolean" }, runs: { type: "string", default: "1" } },
    });
    if (values.help === true) {
      console.log(usage);
      return 0;
    }
    names = positionals.length === 0 ? packages : positionals.map(checkName);
    runs = checkRuns(values.runs);
  } catch (error) {
    console.error(`bench: ${error instanceof Error ? error.message : error}\n\n${usage}`);
    return 2;
  }
  const scratch = mkdtempSync(join(tmpdir(), "db-bench-"));
  try {
    const missed: string[] = [];
    for (const name of names) {
      const found = await measure(name, runs, join(scratch, name));
      if (interruptedBy !== undefined) {
        console.error(`bench: interrupted by ${interruptedBy} in ${name}; its results stay as they were`);
        return 128 + constants.signals[interruptedBy];
      }
      for (const results of found) {
        show(results);
        for (const { what, held } of results.goals) if (!held) missed.push(`${results.name}: ${what}`);
      }
    }
    for (const goal of missed) console.error(`bench: missed: ${goal}`);
    return missed.length === 0 ? 0 : 1;
  } catch (error) {
    console.error(`bench: ${error instanceof Error ? error.message : error}`);
    return 1;
  } finally {
    rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Whatever the name's benchmarks wrote, each as the median of its runs. */
async function measure(name: string, runs: number, scratch: string): Promise<readonly Results[]> {
  const [member = "", ...parts] = name.split("/");
  const written = new Map<string, Results[]>();
  for (let run = 1; run <= runs; run += 1) {
    console.error(`bench: ${name}, run ${run} of ${runs} …`);
    const folder = join(scratch, String(run));
    mkdirSync(folder, { recursive: true });
    const env = { ...process.env, BENCH_RESULTS: folder };
    const { exitCode } = await runChild(["pnpm", "--filter", `@db/${member}`, "run", "bench", ...parts], {
      output: "inherit",
      env,
    });
    if (interruptedBy !== undefined) return [];
    const files = readdirSync(folder);
    if (files.length === 0) throw new Error(`${name} wrote no results and ended with ${exitCode ?? "a signal"}`);
    for (const file of files) {
      const results = JSON.parse(readFileSync(join(folder, file), "utf8")) as Results;
      written.set(file, [...(written.get(file) ?? []), results]);
    }
  }
  return [...written.values()].map((all) => {
    if (all.length < runs) throw new Error(`a run of ${all[0]?.name} ended without results`);
    return medianOf(all);
  });
}

function checkName(name: string): string {
  if (packages.includes(name.split("/")[0] ?? "")) return name;
  throw new Error(`expected one of ${packages.join(", ")}, got ${name}`);
}

function checkRuns(text: string): number {
  if (/^[1-9]\d?$/.test(text)) return Number(text);
  throw new Error(`expected --runs to be a whole number from 1 to 99, got ${text}`);
}
