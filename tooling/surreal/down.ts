// Stops the SurrealDB server that `npm run surreal:up` started.
import { setTimeout } from "node:timers/promises";
import { type DownArguments, parseDown, UsageError } from "./arguments.ts";
import { findRunning, forget, isOurs } from "./running.ts";

const usage = `Usage: npm run surreal:down [-- OPTIONS]

Stops the server that npm run surreal:up started: it answers what it was asked, and is killed if that takes longer than
ten seconds.

Options:
  --state FOLDER    where the pid is kept, default data/surreal
  --help            show this text
`;

const PATIENCE_MS = 10_000;
const STEP_MS = 50;

async function main(args: readonly string[]): Promise<number> {
  let parsed: DownArguments;
  try {
    parsed = parseDown(args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`surreal:down: ${error.message}\n\n${usage}`);
    return 2;
  }
  process.stdout.write(parsed.help ? usage : await down(parsed.state));
  return 0;
}

async function down(state: string): Promise<string> {
  const running = findRunning(state);
  if (running === undefined) return "No server runs.\n";
  const { pid, url } = running;
  process.kill(pid, "SIGTERM");
  const giveUpAt = performance.now() + PATIENCE_MS;
  while (isOurs(running)) {
    if (performance.now() > giveUpAt) process.kill(pid, "SIGKILL");
    await setTimeout(STEP_MS);
  }
  forget(state);
  return `Stopped the server on ${url} (pid ${pid}).\n`;
}

process.exitCode = await main(process.argv.slice(2));
