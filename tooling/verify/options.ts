import { parseArgs } from "node:util";
import type { Check } from "./check.ts";

export interface Options {
  readonly checks: readonly Check[];
  readonly json: boolean;
}

export function usage(checks: readonly Check[]): string {
  return `Usage: npm run verify [-- OPTIONS]

Goes through the acceptance list and prints what was checked and what was measured. Databases, proxies and services are
started on loopback and stopped again; nothing of yours is touched. It takes about two minutes, and as long again where
the coverage has to be measured anew.

  --only NAME   this check alone; may be repeated
  --json        the results as JSON on stdout
  --help        this text

Checks:
${checks.map(({ name, about }) => `  ${name.padEnd(14)}${about}`).join("\n")}

It ends with 0 where everything holds, with 1 where something does not, with 2 for a wrong option, with 130 after Ctrl-C.
`;
}

/** Undefined for `--help`. @throws Error naming what was expected and what came */
export function readOptions(args: readonly string[], checks: readonly Check[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: "string", multiple: true },
      json: { type: "boolean" },
      help: { type: "boolean" },
    },
  });
  if (values.help === true) return undefined;
  const names = checks.map(({ name }) => name);
  const only = values.only ?? names;
  const unknown = only.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new Error(`--only: expected one of ${names.join(", ")}, got "${unknown}"`);
  return { checks: checks.filter(({ name }) => only.includes(name)), json: values.json === true };
}
