import { expect, test } from "vitest";
import { Halts } from "./support/halts.ts";

test("a process that computes has not stood still, and one that is kept from running has", async () => {
  using halts = new Halts();
  const before = halts.totalMs;
  const cpu = process.cpuUsage();
  const computed = (): number => process.cpuUsage(cpu).user / 1_000;
  const start = performance.now();
  while (computed() < 300);
  // What the machine gave to others meanwhile may count, and no more than that.
  expect(halts.totalMs - before).toBeLessThanOrEqual(performance.now() - start - 300);
  const asleep = halts.totalMs;
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
  expect(halts.totalMs - asleep).toBeGreaterThan(300);
});
