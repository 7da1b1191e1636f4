import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { CALLS, type CallName, expectedOf, FAULTS, type FaultKind } from "./support/fault-matrix-expected.ts";
import type { CellResult } from "./support/matrix-cell.ts";

const PROGRAM = fileURLToPath(new URL("support/fault-matrix.ts", import.meta.url));
const isFull = process.env.DB_TEST_SIZE === "full";
const calls: readonly CallName[] = isFull ? CALLS : ["read", "write", "commit", "close"];
const faults: readonly FaultKind[] = isFull ? FAULTS : ["reset", "half-open", "drop before reply"];

/** No call has longer than 1.5 s by its own options; the rest is for a machine that does other things too. */
const LONGEST_MS = 3_500;
/** A first connect waits for a server that starts. */
const LONGEST_CONNECT_MS = 7_000;

/**
 * The matrix runs in a process of its own: an unhandled rejection ends it with 1, and a socket, timer or promise that is
 * left keeps it from ending at all.
 */
let results: readonly CellResult[] = [];
let ending: { readonly code: number | null; readonly stderr: string };

beforeAll(async () => {
  const cells = calls.flatMap((call) => faults.map((fault) => `${call} × ${fault}`));
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", PROGRAM, ...cells], {
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 170_000,
    killSignal: "SIGKILL",
  });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  ending = { code: child.exitCode, stderr };
  results = stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as CellResult);
  process.stdout.write(`${matrix(results)}\n`);
}, 180_000);

test("the process ends by itself, without an unhandled rejection", () => {
  expect(ending).toEqual({ code: 0, stderr: "" });
});

describe.each(calls)("%s", (call) => {
  test.each(faults)("under: %s", (fault) => {
    const result = results.find((one) => one.call === call && one.fault === fault);
    if (result === undefined) throw new Error(`expected a result for ${call} × ${fault}, got none`);
    const { underWay, meanwhile, after, broken, longestMs } = result;
    const expected = expectedOf(call, fault);
    expect.soft(expected.underWay).toContain(underWay);
    expect.soft(expected.meanwhile).toContain(meanwhile);
    expect.soft(expected.after).toContain(after);
    expect.soft(broken).toEqual([]);
    expect.soft(longestMs).toBeLessThan(call === "connect" ? LONGEST_CONNECT_MS : LONGEST_MS);
  });
});

/** What the call on its way got, and the next one; then how soon calls worked again. */
function matrix(all: readonly CellResult[]): string {
  const cell = (result: CellResult | undefined): string =>
    result === undefined
      ? "–"
      : `${result.underWay}, then ${result.meanwhile}; ${result.after} after ${result.recoveredMs} ms`;
  const rows = faults.flatMap((fault) => [
    `${fault}:`,
    ...calls.map((call) => `  ${call.padEnd(12)}${cell(all.find((one) => one.call === call && one.fault === fault))}`),
  ]);
  return rows.join("\n");
}
