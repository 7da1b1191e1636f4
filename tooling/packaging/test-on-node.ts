// The unit tests on another Node than the pinned one: `npm run test:node -- 22.15.0`.
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { delimiter, join } from "node:path";
import { testFiles } from "../checks/test-files.ts";
import { root } from "../checks/workspace.ts";
import { run } from "./command.ts";
import { installTool } from "./toolchains.ts";

const usage = `Usage: npm run test:node -- VERSION [PATH…]

Gets that Node from the npm registry (once) and runs the unit tests on it. VERSION is X.Y.Z, X.Y or X;
PATH a part of the paths of the test files to run.
`;

const [version, ...rest] = process.argv.slice(2);
if (version === "--help") console.log(usage);
else if (version === undefined || !/^\d+(\.\d+){0,2}$/.test(version)) {
  console.error(`test:node: expected a VERSION such as 22.15.0, got ${version ?? "none"}\n\n${usage}`);
  process.exitCode = 2;
} else process.exitCode = await testOn(version, rest);

async function testOn(wanted: string, args: readonly string[]): Promise<number> {
  const home = join(await installTool("node", wanted), "bin");
  const node = join(home, "node");
  const exact = (await run([node, "--version"], root)).trim();
  const leftOut: string[] = [];
  let options = "--disable-warning=ExperimentalWarning";
  if (Number.parseInt(exact.slice(1), 10) < 24) {
    // Some tests start programs in TypeScript, and some of these have `await using`, which Node 22 cannot read itself.
    // The compiled examples of every README run on it in the packaging checks.
    options += " --experimental-strip-types";
    leftOut.push("**/readme*.test.ts", "**/node-runner.test.ts", "packages/queue/test/process-exit.test.ts");
    console.log(`Left out on this Node, for programs that no compiler has seen: ${leftOut.join(", ")}`);
  }
  console.log(`Unit tests on Node ${exact} …`);
  const { include, exclude } = testFiles.unit;
  const files = globSync(include, { cwd: root, exclude: [...exclude, ...leftOut] });
  const wantedFiles = files.filter((file) => args.length === 0 || args.some((filter) => file.includes(filter)));
  if (wantedFiles.length === 0) throw new Error(`expected test files that match ${args.join(" ")}, got none`);
  const env = { ...process.env, NODE_OPTIONS: options, PATH: [home, process.env.PATH].join(delimiter) };
  const vitest = [join(root, "node_modules/vitest/vitest.mjs"), "run", "--project=unit", "--reporter=dot"];
  const { status, signal } = spawnSync(node, [...vitest, ...wantedFiles], { cwd: root, env, stdio: "inherit" });
  return signal === null ? (status ?? 1) : 1;
}
