// Starts a SurrealDB server on this machine: `npm run surreal:up`.
import { type ChildProcess, fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseUp, type UpArguments, UsageError } from "./arguments.ts";
import { findRunning, forget, note } from "./running.ts";
import type { Order, Report } from "./serve.ts";

const usage = `Usage: npm run surreal:up [-- OPTIONS]

Starts a SurrealDB server on 127.0.0.1 for you to work with, over the embedded engine, and leaves it running.
packages/testing/README.md says what differs from \`surreal start\`.

Options:
  --port N          default 8000; 0 takes a free one
  --path FOLDER     keeps the data there; without it nothing is kept
  --engine NAME     mem (the default without --path), rocksdb (with --path) or surrealkv
  --user NAME       default root
  --password TEXT   default root; other users of this machine can see it while this command runs
  --foreground      stay here until Ctrl-C
  --state FOLDER    where the pid and the log are kept, default data/surreal
  --help            show this text

Stop it with: npm run surreal:down
`;

async function main(args: readonly string[]): Promise<number> {
  let parsed: UpArguments;
  try {
    parsed = parseUp(args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`surreal:up: ${error.message}\n\n${usage}`);
    return 2;
  }
  if (!parsed.help) return up(parsed);
  process.stdout.write(usage);
  return 0;
}

async function up({ state, foreground, options }: UpArguments): Promise<number> {
  const running = findRunning(state);
  if (running !== undefined) {
    process.stderr.write(
      `surreal:up: a server runs already on ${running.url} (pid ${running.pid}).\n${stopWith(state)}`,
    );
    return 1;
  }
  mkdirSync(state, { recursive: true });
  const id = `surreal-${randomUUID()}`;
  const child = startChild(id, foreground ? "inherit" : openSync(join(state, "server.log"), "w"), !foreground);
  process.stdout.write("Starting …\n");
  const order: Order = { options, attached: foreground };
  child.send(order);
  const report = await firstReport(child);
  if ("error" in report) {
    child.kill();
    process.stderr.write(`surreal:up: the server could not start: ${report.error}\n`);
    return 1;
  }
  const url = `ws://127.0.0.1:${report.port}/rpc`;
  note(state, { pid: child.pid ?? 0, id, url });
  const kept = options.path === undefined ? "nothing is kept" : `the data is in ${options.path}`;
  process.stdout.write(`${report.version} on ${url}, user ${options.user}, ${options.engine}: ${kept}.\n`);
  if (foreground) return stay(child, state);
  process.stdout.write(stopWith(state));
  child.disconnect();
  child.unref();
  return 0;
}

function startChild(id: string, output: "inherit" | number, detached: boolean): ChildProcess {
  return fork(fileURLToPath(new URL("serve.ts", import.meta.url)), [id], {
    execArgv: ["--disable-warning=ExperimentalWarning"],
    detached,
    stdio: ["ignore", output, output, "ipc"],
  });
}

async function firstReport(child: ChildProcess): Promise<Report> {
  const gone = once(child, "exit").then(([code, signal]): Report => ({ error: `it ended with ${signal ?? code}` }));
  const [report] = (await Promise.race([once(child, "message"), gone.then((report) => [report])])) as [Report];
  return report;
}

async function stay(child: ChildProcess, state: string): Promise<number> {
  process.stdout.write("Ctrl-C stops it.\n");
  // Ctrl-C reaches the server too; a signal to this process alone does not.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill("SIGTERM"));
  const [code] = await once(child, "exit");
  forget(state);
  process.stdout.write("Stopped.\n");
  return Number(code ?? 1);
}

function stopWith(state: string): string {
  const isDefault = parseUp([]).state === state;
  return `Stop it with: npm run surreal:down${isDefault ? "" : ` -- --state ${state}`}\n`;
}

process.exitCode = await main(process.argv.slice(2));
