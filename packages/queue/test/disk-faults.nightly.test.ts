import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { WriteQueue } from "../src/index.ts";
import { runTraced, straceMissing } from "./support/syscalls.ts";

if (straceMissing !== undefined) process.stderr.write(`disk faults are not tested: ${straceMissing}\n`);

const NTH = Array.from({ length: 20 }, (_, index) => index + 3);
const COUNT = 90;

/** By operation: what the child was told, and whether the entry is there afterwards. */
async function faulted(fault: string): Promise<{
  readonly told: readonly (readonly [string, string])[];
  readonly lines: readonly string[];
  readonly there: (operationId: string) => boolean;
  readonly next: string;
}> {
  const made = mkdtempSync(join(tmpdir(), "db-queue-fault-"));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  const path = join(made, "queue.db");
  const lines = runTraced({ path, durability: "fsync", count: COUNT }, [
    "-o",
    join(made, "log"),
    "-e",
    "trace=fsync,fdatasync,pwrite64",
    "-e",
    fault,
  ]);
  const told = lines.flatMap((line) => {
    const [what = "", index = ""] = line.split(" ");
    return ["ack", "none", "unknown"].includes(what) ? [[what, `op-${index}`] as const] : [];
  });
  // A fault that never came would prove nothing.
  expect(readFileSync(join(made, "log"), "utf8")).toMatch(/INJECTED|killed by SIGKILL/);
  await using queue = await WriteQueue.open({ path });
  const { id } = await queue.enqueue({ kind: "create", id: "notes:next", data: {} });
  const there = new Set(
    told.map(([, operationId]) => operationId).filter((operationId) => queue.outcome(operationId) === "waiting"),
  );
  return { told, lines, there: (operationId) => there.has(operationId as `op-${string}`), next: id };
}

function check({ told, there, next }: Awaited<ReturnType<typeof faulted>>): void {
  for (const [what, operationId] of told) {
    if (what === "ack") expect([operationId, there(operationId)]).toEqual([operationId, true]);
    if (what === "none") expect([operationId, there(operationId)]).toEqual([operationId, false]);
  }
  expect(next).toBe("notes:next");
}

describe.skipIf(straceMissing !== undefined)("faults of the disk, by system call", { timeout: 600_000 }, () => {
  test.each(NTH)(
    "EIO of the %ith sync: who was told that it is stored has it, who was told that nothing is has nothing",
    async (nth) => {
      const found = await faulted(`inject=fsync,fdatasync:error=EIO:when=${nth}`);
      check(found);
      // Where the very first syncs fail, the queue does not open, and says so.
      expect(found.told.length > 0 || found.lines.some((line) => line.startsWith("refused STORAGE_FAILED"))).toBe(true);
    },
  );

  test("EIO of every sync from the 20th on: nobody is told that it is stored", async () => {
    const found = await faulted("inject=fsync,fdatasync:error=EIO:when=20+");
    check(found);
    expect(found.lines.at(-1)).toBe("end");
    expect(found.told.filter(([what]) => what === "unknown").length).toBeGreaterThan(0);
  });

  test.each(NTH)("a disk that is full from the %ith write on: the same, and the child goes on", async (nth) => {
    const found = await faulted(`inject=pwrite64:error=ENOSPC:when=${nth + 20}+`);
    check(found);
  });

  test.each(NTH)("kill -9 at the %ith write: what was acknowledged is there, and the queue opens", async (nth) => {
    check(await faulted(`inject=pwrite64:signal=KILL:when=${nth + 20}`));
  });

  test.each(NTH)("kill -9 at the %ith sync: the same", async (nth) => {
    check(await faulted(`inject=fsync,fdatasync:signal=KILL:when=${nth}`));
  });
});
