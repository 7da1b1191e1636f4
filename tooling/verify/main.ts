// `npm run verify`: the acceptance list, tried and measured.
import type { CheckResult } from "./check.ts";
import { holds } from "./check.ts";
import { checks } from "./checks.ts";
import { type Options, readOptions, usage } from "./options.ts";
import { runCheck } from "./run-check.ts";
import { formatTable, verdict } from "./table.ts";

/** The longest, coverage, runs all unit tests. */
const LIMIT_MS = 600_000;

const interrupted = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => interrupted.abort(new Error(`interrupted by ${signal}`)));

// A native engine may keep the process alive after all is closed.
process.exit(await main(process.argv.slice(2)));

async function main(args: readonly string[]): Promise<number> {
  let options: Options | undefined;
  try {
    options = readOptions(args, checks);
  } catch (error) {
    await write(process.stderr, `${error instanceof Error ? error.message : String(error)}\n\n${usage(checks)}`);
    return 2;
  }
  if (options === undefined) {
    await write(process.stdout, usage(checks));
    return 0;
  }
  const { signal } = interrupted;
  const results: CheckResult[] = [];
  for (const [index, check] of options.checks.entries()) {
    const place = `[${index + 1}/${options.checks.length}]`;
    progress(`${place} ${check.name}: ${check.about} …`);
    results.push(
      await runCheck(check, { signal, limitMs: LIMIT_MS, progress: (text) => progress(`${place} ${text}`) }),
    );
    if (signal.aborted) break;
  }
  progress("");
  if (signal.aborted) {
    await write(process.stderr, "interrupted; everything that was started is stopped\n");
    return 130;
  }
  if (options.json) {
    const shown = results.map((result) => ({
      ...result,
      holds: holds(result),
      durationMs: Math.round(result.durationMs),
    }));
    await write(process.stdout, `${JSON.stringify(shown, null, 2)}\n`);
  } else await write(process.stdout, `${formatTable(results)}\n\n${verdict(results)}\n`);
  return results.every(holds) ? 0 : 1;
}

/** A line that the next one replaces, where somebody watches. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
  else if (text !== "") process.stderr.write(`${text}\n`);
}

/** Resolves when it is written: an exit would cut off what waits in a pipe. */
function write(stream: NodeJS.WriteStream, text: string): Promise<void> {
  return new Promise((resolve) => {
    stream.write(text, () => resolve());
  });
}
