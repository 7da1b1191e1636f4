// The step runner behind `npm test` and `npm run test:full`.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs, stripVTControlCharacters } from "node:util";
import { endChildren } from "./child.ts";
import { type RunContext, runStep } from "./run-step.ts";
import { type Step, type StepResult, total } from "./step.ts";
import { type SuiteName, suites } from "./suites.ts";
import { formatSeconds, formatTable } from "./table.ts";
import { root } from "./workspace.ts";

const usage = `Usage: npm test [-- OPTIONS]            the suite "test"
       npm run test:full [-- OPTIONS]   the suite "full"
       npm run nightly [-- OPTIONS]     the suite "nightly"

Runs every step to the end, also after a failure, and exits with 1 if any failed. The last line counts one for
each test that ran and one for each step that is not made of tests; a failure outside any test counts as one.

Options:
  --only STEP   run this step alone; may be repeated
  --help        show this text

Steps:
${Object.entries(suites)
  .map(([name, steps]) => `  ${name}\n${steps.map((step) => `    ${step.name.padEnd(13)}${step.about}`).join("\n")}`)
  .join("\n")}
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
  let steps: readonly Step[];
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { help: { type: "boolean" }, only: { type: "string", multiple: true } },
    });
    if (values.help === true) {
      console.log(usage);
      return 0;
    }
    steps = choose(positionals, values.only ?? []);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${usage}`);
    return 2;
  }
  const scratch = mkdtempSync(join(tmpdir(), "db-checks-"));
  try {
    return await run(steps, { env: environment(scratch), reports: scratch, print });
  } finally {
    rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function run(steps: readonly Step[], context: RunContext): Promise<number> {
  const results: StepResult[] = [];
  for (const [index, step] of steps.entries()) {
    context.print(`[${index + 1}/${steps.length}] ${step.name}: ${step.about} …`);
    const result = await runStep(step, context);
    if (interruptedBy !== undefined) {
      console.error(`Interrupted by ${interruptedBy} during the step "${step.name}".`);
      return interruptedBy === "SIGINT" ? 130 : interruptedBy === "SIGTERM" ? 143 : 129;
    }
    results.push(result);
    const verdict = result.failed === 0 ? "ok" : "FAILED";
    const note = result.note === undefined ? "" : ` (${result.note})`;
    context.print(
      `[${index + 1}/${steps.length}] ${step.name}: ${verdict}${note}, ${formatSeconds(result.durationMs)}\n`,
    );
  }
  const { passed, failed } = total(results);
  context.print(`${formatTable(results)}\n`);
  for (const { step, failures = [] } of results)
    for (const failure of failures) context.print(`failed: ${step.name}: ${failure.replaceAll(`${root}/`, "")}`);
  context.print(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

function choose([suite, ...rest]: readonly string[], only: readonly string[]): readonly Step[] {
  if (!isSuite(suite) || rest.length > 0) {
    throw new Error(
      `expected one suite of ${Object.keys(suites).join(", ")}, got ${[suite, ...rest].join(" ") || "none"}`,
    );
  }
  const steps = suites[suite];
  const names = steps.map((step) => step.name);
  const unknown = only.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new Error(`expected --only to be one of ${names.join(", ")}, got ${unknown}`);
  return only.length === 0 ? steps : steps.filter((step) => only.includes(step.name));
}

function isSuite(name: string | undefined): name is SuiteName {
  return name !== undefined && Object.hasOwn(suites, name);
}

/** Plain text where nobody watches: colours make a log unreadable, and not every tool knows NO_COLOR. */
function print(text: string): void {
  console.log(process.stdout.isTTY ? text : stripVTControlCharacters(text));
}

function environment(scratch: string): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env, TURBO_TELEMETRY_DISABLED: "1" };
  // An interrupted test does not tidy up after itself; what it left goes with the folder of this run.
  for (const name of process.platform === "win32" ? ["TEMP", "TMP"] : ["TMPDIR"]) env[name] = scratch;
  if (process.stdout.isTTY) env.FORCE_COLOR = "1";
  else {
    delete env.FORCE_COLOR;
    env.NO_COLOR = "1";
  }
  return env;
}
