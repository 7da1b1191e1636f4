import { ConfigFault, readConfig } from "./config.ts";
import { help } from "./help.ts";
import { runService, StartFault } from "./service.ts";

/** How long the process may take to end by itself once everything is closed. */
const LINGER_MS = 1_000;

async function main(args: readonly string[]): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    process.stdout.write(help());
    return 0;
  }
  try {
    if (args.length > 0) throw new ConfigFault([`expected no argument but --help, got ${args.length}`]);
    await runService(readConfig(process.env));
    return 0;
  } catch (error) {
    if (error instanceof ConfigFault) {
      process.stderr.write(
        `notes: the configuration is wrong; see --help\n${error.faults.map((fault) => `  ${fault}\n`).join("")}`,
      );
      return 2;
    }
    if (!(error instanceof StartFault)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  }
}

const code = await main(process.argv.slice(2));
process.exitCode ||= code;
// The embedded engine keeps the process alive after a full-text index was made (surrealdb.js#673), also when it is closed.
setTimeout(() => process.exit(), LINGER_MS).unref();
