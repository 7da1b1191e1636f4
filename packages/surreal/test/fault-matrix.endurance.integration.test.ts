import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import {
  CALL_MS,
  CALLS,
  type CallName,
  expectedOf,
  FAULTS,
  type FaultKind,
  HTTP_CALLS,
} from "./support/fault-matrix-expected.ts";
import type { CellResult } from "./support/matrix-cell.ts";

const PROGRAM = fileURLToPath(new URL("support/fault-matrix.ts", import.meta.url));
const isFull = process.env.DB_TEST_SIZE === "full";
/** Beyond its own time, for a machine that does other things too. */
const SLACK_MS = 2_000;
/** A first connect waits for a server that starts. */
const LONGEST_CONNECT_MS = 7_000;

interface Part {
  readonly transport: "ws" | "http";
  readonly calls: readonly CallName[];
  readonly faults: readonly FaultKind[];
}

const parts: readonly Part[] = isFull
  ? [
      { transport: "ws", calls: CALLS, faults: FAULTS },
      { transport: "http", calls: HTTP_CALLS, faults: FAULTS },
    ]
  : [
      {
        transport: "ws",
        calls: ["read", "write", "commit", "close"],
        faults: ["reset", "half-open", "drop before reply"],
      },
      { transport: "http", calls: ["write"], faults: ["reset", "half-open", "drop before reply"] },
    ];

/**
 * A matrix runs in a process of its own: an unhandled rejection ends it with 1, and a socket, timer or promise that is left
 * keeps it from ending at all.
 */
describe.each(parts)("over $transport", ({ transport, calls, faults }) => {
  let results: readonly CellResult[] = [];
  let ending: { readonly code: number | null; readonly stderr: string };

  beforeAll(async () => {
    const cells = calls.flatMap((call) => faults.map((fault) => `${call} × ${fault}`));
    const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", PROGRAM, transport, ...cells], {
      stdio: ["ignore", "pipe", "pipe"],
      timeout: 290_000,
      killSignal: "SIGKILL",
    });
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
    ending = { code: child.exitCode, stderr };
    results = stdout
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as CellResult);
    process.stdout.write(`over ${transport}\n${table(results, calls, faults)}\n`);
  }, 300_000);

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
      expect.soft(longestMs).toBeLessThan(call === "connect" ? LONGEST_CONNECT_MS : CALL_MS + SLACK_MS);
    });
  });
});

/** What the call on its way got, and the next one; then how soon calls worked again. */
function table(results: readonly CellResult[], calls: readonly CallName[], faults: readonly FaultKind[]): string {
  const cell = (call: CallName, fault: FaultKind): string => {
    const result = results.find((one) => one.call === call && one.fault === fault);
    if (result === undefined) return "no result";
    const { underWay, meanwhile, after, recoveredMs } = result;
    return `${underWay}, then ${meanwhile}; ${after} after ${recoveredMs} ms`;
  };
  return faults
    .map((fault) => [`${fault}:`, ...calls.map((call) => `  ${call.padEnd(12)}${cell(call, fault)}`)].join("\n"))
    .join("\n");
}
