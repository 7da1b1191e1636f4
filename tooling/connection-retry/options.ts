import { parseArgs } from "node:util";

export interface Options {
  readonly startAfterMs: number;
  readonly steadyMs: number;
  readonly outageMs: number;
  readonly unavailableAfterMs: number;
  readonly timeoutMs: number;
  readonly callers: number;
}

export const usage = `Usage: scripts/test-connection-retry [OPTIONS]

Shows the database layer at work while its database comes late, dies and comes back. A SurrealDB server of its own is
started on loopback, on a folder that is removed afterwards; nothing else is touched. It takes about 20 seconds.

  1  connect() before there is a database
  2  calls while all is well
  3  kill -9: what callers get, what health says, when the next try is
  4  the database is back: how soon, and what became of every write

Options:
  --start-after-ms N         how long the database is missing at the start (default 3000)
  --steady-ms N              how long it is well before the outage, and after it (default 2000)
  --outage-ms N              how long it is dead (default 8000)
  --unavailable-after-ms N   how long calls wait in an outage before they are refused at once (default 4000; the
                             driver's own default is 30000)
  --timeout-ms N             the deadline of a call (default 2000)
  --callers N                how many write at the same time (default 8)
  --help                     show this text

Exits with 0 if it recovered and every acknowledged write is there exactly once, else with 1; with 130 after Ctrl-C.
`;

/** Undefined for `--help`. @throws Error naming what was expected and what came */
export function readOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: "boolean" },
      "start-after-ms": { type: "string", default: "3000" },
      "steady-ms": { type: "string", default: "2000" },
      "outage-ms": { type: "string", default: "8000" },
      "unavailable-after-ms": { type: "string", default: "4000" },
      "timeout-ms": { type: "string", default: "2000" },
      callers: { type: "string", default: "8" },
    },
  });
  if (values.help === true) return undefined;
  return {
    startAfterMs: integer("start-after-ms", values["start-after-ms"], 0, 600_000),
    steadyMs: integer("steady-ms", values["steady-ms"], 0, 600_000),
    outageMs: integer("outage-ms", values["outage-ms"], 0, 600_000),
    unavailableAfterMs: integer("unavailable-after-ms", values["unavailable-after-ms"], 1, 600_000),
    timeoutMs: integer("timeout-ms", values["timeout-ms"], 1, 600_000),
    callers: integer("callers", values.callers, 1, 1_000),
  };
}

function integer(name: string, given: string, min: number, max: number): number {
  const value = Number(given);
  if (/^\d+$/.test(given) && value >= min && value <= max) return value;
  throw new Error(`--${name}: expected a whole number in ${min}..${max}, got "${given}"`);
}
