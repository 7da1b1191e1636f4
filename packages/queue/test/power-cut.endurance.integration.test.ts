import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { WriteQueue } from "../src/index.ts";
import { Disk } from "./support/power-cut.ts";
import { isFullSize } from "./support/size.ts";
import { straceMissing, traceOf } from "./support/syscalls.ts";

if (straceMissing !== undefined) process.stderr.write(`power cuts are not tested: ${straceMissing}\n`);

/** How often the power is cut, spread over all that the child does. */
const CUTS = isFullSize ? 100 : 12;
const COUNT = 60;

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "db-queue-cut-"));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** What was acknowledged and is not there after a power cut, cut by cut. */
async function lossesOf(durability: "fsync" | "os"): Promise<readonly string[]> {
  const made = folder();
  const path = join(made, "live", "queue.db");
  const calls = traceOf({ path, durability, count: COUNT }, join(made, "log"));
  const said = calls.flatMap((call, index) => (call.name === "say" && call.line.startsWith("ack") ? [index] : []));
  expect(said.length).toBe(COUNT);
  const losses: string[] = [];
  const disk = new Disk();
  let cuts = 0;
  for (const [index, call] of calls.entries()) {
    disk.play(call);
    if (index < (said[0] ?? 0) || index < ((said.at(-1) ?? 0) * cuts) / CUTS) continue;
    cuts += 1;
    const left = join(made, `cut-${index}`);
    disk.cut(left);
    const acknowledged = disk.said.flatMap((line) => (line.startsWith("ack ") ? [`op-${line.slice(4)}`] : []));
    try {
      await using queue = await WriteQueue.open({ path: join(left, "queue.db") });
      for (const operationId of acknowledged) {
        if (queue.outcome(operationId) !== "waiting")
          losses.push(`cut ${cuts}: ${operationId} is ${queue.outcome(operationId)}`);
      }
    } catch (error) {
      losses.push(`cut ${cuts}: the queue does not open: ${(error as Error).message}`);
    }
    rmSync(left, { recursive: true });
  }
  expect(cuts).toBeGreaterThanOrEqual(CUTS / 2);
  return losses;
}

describe.skipIf(straceMissing !== undefined)(
  "a power cut that keeps only what was synced",
  { timeout: 300_000 },
  () => {
    test("with durability fsync no acknowledged write is lost, wherever it comes", async () => {
      expect(await lossesOf("fsync")).toEqual([]);
    });

    test("with durability os some are, so that this test can fail", async () => {
      expect((await lossesOf("os")).length).toBeGreaterThan(0);
    });
  },
);
