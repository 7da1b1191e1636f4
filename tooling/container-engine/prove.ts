import { existsSync, globSync, rmSync } from "node:fs";
import { root } from "../checks/workspace.ts";
import { alignColumns } from "../packaging/columns.ts";
import { run, tryToRun } from "../packaging/command.ts";
import type { EngineHome } from "./engine-home.ts";
import { EngineError, needed } from "./system.ts";
import { listTraces } from "./traces.ts";

const boundMs = 60_000;

export interface ProveOptions {
  /** Whether the engine's packages are taken from the system before, as on a machine that never had them. */
  readonly purge: boolean;
  readonly say: (text: string) => void;
}

/**
 * Brings the engine up, runs the container suite on it and takes it down, each with the command that people use;
 * prints what that took, and what is left in the kernel that was not there before.
 *
 * @returns 0 when the suite was green in time and nothing is left
 */
export async function prove(home: EngineHome, { purge, say }: ProveOptions): Promise<number> {
  if (existsSync(home.folder)) throw new EngineError(`expected no engine, got ${home.folder}; take it down before`);
  if (purge) await purgePackages(say);
  const before = listTraces();
  const times: (readonly [string, number])[] = [];
  const timed = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    say(`${name} …`);
    const startedAt = performance.now();
    const result = await work();
    times.push([name, performance.now() - startedAt]);
    return result;
  };
  const containers = (command: string) => run(["npm", "run", "containers", "--", command, "--home", home.folder], root);
  let suite: { readonly exitCode: number; readonly output: string };
  try {
    const exported = await timed("up", () => containers("up"));
    const env = [...exported.matchAll(/^export (\S+)$/gm)].map(([, assignment = ""]) => assignment);
    const only = ["npm", "run", "test:full", "--", "--only", "containers"];
    suite = await timed("suite", () => tryToRun(["env", ...env, "REQUIRE_CONTAINERS=1", ...only], root));
  } finally {
    await timed("down", () => containers("down"));
  }
  if (suite.exitCode !== 0) console.log(suite.output);
  const tookMs = times.filter(([name]) => name !== "down").reduce((sum, [, ms]) => sum + ms, 0);
  const left = listTraces().filter((trace) => !before.includes(trace));
  const rows = [...times, [purge ? "bare to green" : "to green", tookMs] as const];
  console.log(alignColumns(rows.map(([name, ms]) => [name, `${(ms / 1_000).toFixed(1)} s`])));
  const verdict = /^\d+ passed, \d+ failed$/m.exec(suite.output)?.[0] ?? "no verdict of the suite";
  console.log(`${verdict}; left behind: ${left.join(", ") || "nothing"}`);
  if (tookMs > boundMs) say(`expected at most ${boundMs / 1_000} s to green`);
  return suite.exitCode === 0 && left.length === 0 && tookMs <= boundMs ? 0 : 1;
}

/** With what came along, and with the archives that apt keeps, so that the next install fetches them anew. */
async function purgePackages(say: (text: string) => void): Promise<void> {
  say(`removing ${needed.join(", ")} from the system`);
  const output = await run(["apt-get", "purge", "--yes", "--autoremove", ...needed], root);
  for (const [, name] of output.matchAll(/^(?:Removing|Purging configuration files for) ([^\s:]+)/gm)) {
    for (const archive of globSync(`/var/cache/apt/archives/${name}_*.deb`)) rmSync(archive);
  }
}
