// Finds or fetches promtool and Prometheus: `npm run prometheus`.
import { parseArgs } from "node:util";
import { PrometheusError, providePrometheus } from "./index.ts";

const usage = `Usage: npm run prometheus

Prints where promtool and prometheus are. Where the machine has none, it fetches those of Debian's package
into node_modules/.cache; nothing is installed.

Options:
  --help   show this text
`;

try {
  const { values } = parseArgs({ options: { help: { type: "boolean" } } });
  if (values.help === true) console.log(usage);
  else {
    const { promtool, prometheus } = providePrometheus((text) => console.error(text));
    console.log(`${promtool}\n${prometheus}`);
  }
} catch (error) {
  const isUsage = error instanceof Error && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS");
  if (!isUsage && !(error instanceof PrometheusError)) throw error;
  console.error(`prometheus: ${error.message}${isUsage ? `\n\n${usage}` : ""}`);
  process.exitCode = isUsage ? 2 : 1;
}
