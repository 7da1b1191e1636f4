import { spawn } from "node:child_process";
import { once } from "node:events";
import { statSync } from "node:fs";
import { glob, readFile, rm } from "node:fs/promises";
import { matchesGlob, relative } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { coverageFloors } from "../../checks/coverage-floors.ts";
import type { Check, Ground } from "../check.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const SUMMARY = `${ROOT}coverage/coverage-summary.json`;
const SOURCES = ["packages/*/{src,test}/**/*.ts", "vitest.config.ts"];

interface Counts {
  readonly total: number;
  readonly covered: number;
}
type Kind = "lines" | "branches" | "functions" | "statements";
type Summary = Readonly<Record<string, Readonly<Record<Kind, Counts>>>>;

export const coverage: Check = {
  name: "coverage",
  about: "the unit tests reach what they must; measured anew unless the last summary is newer than every source",
  async run({ claim }, ground) {
    const age = await ageOfSummary();
    let hasPassed = true;
    if (age === undefined) {
      ground.progress("running the unit tests, for want of a summary of this state of the sources");
      const { code, failures } = await measure(ground);
      hasPassed = code === 0;
      const told = failures.length === 0 ? `exit code ${code}` : failures.join("; ");
      claim("the unit tests pass, measured now", hasPassed, told);
    } else claim("the last summary is newer than every source and test", true, `${age} min old`);
    const summary = JSON.parse(await readFile(SUMMARY, "utf8")) as Summary;
    // Else the next run would find it newer than every source, and not see that tests fail.
    if (!hasPassed) await rm(SUMMARY);
    const files = Object.entries(summary).filter(([path]) => path !== "total");
    for (const [pattern, floor] of Object.entries(coverageFloors)) {
      const own = files.filter(([path]) => matchesGlob(relative(ROOT, path), pattern));
      for (const [kind, least] of Object.entries(floor) as [Kind, number][]) {
        const percent = share(own.map(([, counts]) => counts[kind]));
        claim(`${pattern} ${kind} ≥ ${least} %`, percent >= least, `${percent.toFixed(1)} %`);
      }
    }
  },
};

/** In minutes; undefined where there is none, or where something has changed since. */
async function ageOfSummary(): Promise<number | undefined> {
  const made = statSync(SUMMARY, { throwIfNoEntry: false })?.mtimeMs;
  if (made === undefined) return undefined;
  for await (const path of glob(SOURCES, { cwd: ROOT }))
    if (statSync(`${ROOT}${path}`).mtimeMs > made) return undefined;
  return Math.round((Date.now() - made) / 60_000);
}

interface Measured {
  readonly code: number | null;
  /** The names of the first tests that failed. */
  readonly failures: readonly string[];
}

async function measure(ground: Ground): Promise<Measured> {
  const vitest = fileURLToPath(new URL("vitest.mjs", import.meta.resolve("vitest/package.json")));
  const args = [vitest, "run", "--project", "unit", "--coverage", "--coverage.reportOnFailure", "--reporter=dot"];
  const env = { ...process.env, NO_COLOR: "1" };
  const child = spawn(process.execPath, args, { cwd: ROOT, env, stdio: ["ignore", "pipe", "pipe"] });
  const gone = once(child, "close");
  ground.defer(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
    await gone;
  });
  child.stdout.resume();
  const [errors] = await Promise.all([text(child.stderr), gone]);
  const failures = [...errors.matchAll(/^ *FAIL +(.+)$/gm)].map(([, name = ""]) => name.trim());
  return { code: child.exitCode, failures: [...new Set(failures)].slice(0, 3) };
}

function share(counts: readonly Counts[]): number {
  const total = counts.reduce((sum, count) => sum + count.total, 0);
  return total === 0 ? 0 : (counts.reduce((sum, { covered }) => sum + covered, 0) / total) * 100;
}
