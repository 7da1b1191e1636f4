import { parseArgs } from "node:util";
import { Control } from "./control.ts";
import { Lab, type Report } from "./lab.ts";
import { randomScenario, seeded } from "./random.ts";
import { type Scenario, scenarios } from "./scenarios.ts";
import { summaryOf } from "./summary.ts";
import { World } from "./world.ts";

const HELP = `Usage: npm run lab [-- OPTIONS]

The notes service with its database behind a proxy that makes the network fail, a writer, and a ledger of all that was
written. Without --script it serves the panel on the page /ops, until Ctrl-C.

  --script NAME   play a scenario and end: all, or one of
                  ${scenarios.map(({ name }) => name).join(", ")}
  --random N      play N random cuts, flaps and kills and end
  --seed N        of the random ones. Default: another each time, which is printed
  --limit S       seconds that an outage may last before requests are refused. Default 8, with --script and --random 2
  --rate N        notes a second. Default 20
  --port N        of the service. Default 8080, with --script and --random any that is free
  --json          the reports as JSON on stdout
  --help          this text

It ends with 0 where nothing was lost, doubled or late, with 1 where something was, with 2 for a wrong option.
`;

interface Options {
  readonly script: readonly Scenario[] | undefined;
  readonly seed: number | undefined;
  readonly limitMs: number;
  readonly rate: number;
  readonly port: number;
  readonly json: boolean;
}

function readOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      script: { type: "string" },
      random: { type: "string" },
      seed: { type: "string" },
      limit: { type: "string" },
      rate: { type: "string" },
      port: { type: "string" },
      json: { type: "boolean" },
      help: { type: "boolean" },
    },
  });
  if (values.help === true) return undefined;
  const number = (
    name: "random" | "seed" | "limit" | "rate" | "port",
    fallback: number,
    min: number,
    max: number,
  ): number => {
    const given = values[name];
    const value = given === undefined ? fallback : Number(given);
    if (given === "" || !(value >= min && value <= max))
      throw new Error(`--${name}: expected a number in ${min}..${max}, got ${given}`);
    return value;
  };
  const seed = number("seed", Math.floor(Math.random() * 1e9), 0, 4_294_967_295);
  const random = number("random", 0, 0, 100_000);
  const script = random > 0 ? randomScript(random, seed) : namedScript(values.script);
  const isInteractive = script === undefined;
  return {
    script,
    seed: random > 0 ? seed : undefined,
    limitMs: number("limit", isInteractive ? 8 : 2, 0.5, 3_600) * 1_000,
    rate: number("rate", 20, 0.1, 1_000),
    port: number("port", isInteractive ? 8080 : 0, 0, 65_535),
    json: values.json === true,
  };
}

function namedScript(name: string | undefined): readonly Scenario[] | undefined {
  if (name === undefined) return undefined;
  const chosen = scenarios.filter((scenario) => name === "all" || scenario.name === name);
  if (chosen.length > 0) return chosen;
  throw new Error(`--script: expected all or one of ${scenarios.map((one) => one.name).join(", ")}, got ${name}`);
}

function randomScript(count: number, seed: number): readonly Scenario[] {
  const random = seeded(seed);
  return Array.from({ length: count }, (_, index) => randomScenario(index, random));
}

async function main(args: readonly string[]): Promise<number> {
  let options: Options | undefined;
  try {
    options = readOptions(args);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`);
    return 2;
  }
  if (options === undefined) {
    process.stdout.write(HELP);
    return 0;
  }
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort(new Error(signal)));
  const { script, limitMs, rate, port, json, seed } = options;
  if (seed !== undefined) process.stderr.write(`seed ${seed}\n`);
  const reports: Report[] = [];
  const control = await Control.start((report) => tell(report, false));
  try {
    process.stderr.write("starting the database, the proxy and the service …\n");
    await using world = await World.start({ limitMs, port, labUrl: control.url, signal: stop.signal });
    await using lab = new Lab(world, rate);
    control.lab = lab;
    if (script === undefined) {
      process.stdout.write(`\nThe lab: ${world.service.url}/ops (Ctrl-C ends it)\n\n`);
      if (!stop.signal.aborted)
        await new Promise((resolve) => stop.signal.addEventListener("abort", resolve, { once: true }));
    }
    for (const [index, scenario] of (script ?? []).entries()) {
      progress(`${index + 1}/${script?.length} ${scenario.title} …`);
      const report = await lab.play(scenario);
      reports.push(report);
      progress("");
      tell(report, json);
    }
    if (reports.length > 1) (json ? process.stderr : process.stdout).write(`${summaryOf(reports, limitMs)}\n`);
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  } finally {
    control.close();
  }
  if (json) process.stdout.write(`${JSON.stringify(reports)}\n`);
  if (stop.signal.aborted) return script === undefined ? 0 : 130;
  return reports.some(({ faults }) => faults.length > 0) ? 1 : 0;
}

/** A line that the next one replaces, where somebody watches. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
  else if (text !== "") process.stderr.write(`${text}\n`);
}

function tell(report: Report, json: boolean): void {
  const { scenario, sent, confirmed, queued, refused, lost, doubled, firstRefusedMs, recoveredMs, faults } = report;
  const stoodMs = Math.max(...Object.values(report.standstillMs));
  const stood = stoodMs === 0 ? "" : `, the lab itself stood still for ${stoodMs} ms of that`;
  const refusedAt = firstRefusedMs === null ? "" : `, first 503 after ${firstRefusedMs} ms`;
  const line =
    `${faults.length === 0 ? "ok    " : "FAILED"} ${scenario.padEnd(24)} sent ${sent} = ${confirmed} confirmed + ${queued} queued + ` +
    `${refused} refused; lost ${lost}, doubled ${doubled}; first 201 ${recoveredMs ?? "never"} ms after the end${refusedAt}${stood}`;
  const out = json ? process.stderr : process.stdout;
  out.write(`${line}\n${faults.map((fault) => `       ${fault}\n`).join("")}`);
}

process.exitCode = await main(process.argv.slice(2));
