import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { Lab } from "../lab/lab.ts";
import { startWorld } from "./lab-world.ts";

const ILL_MS = 200;

test("between two scenarios the service is sound for more than a second: sooner, a new outage is the old one", {
  timeout: 30_000,
}, async () => {
  let soundAt = Number.NaN;
  const isSound = (): boolean => {
    // From the first time that the lab asks.
    if (Number.isNaN(soundAt)) soundAt = performance.now() + ILL_MS;
    return performance.now() >= soundAt;
  };
  await using lab = new Lab(await startWorld({ isSound }), 50);
  const report = await lab.play({ name: "nothing", title: "nothing", play: () => sleep(50) });
  expect(performance.now() - soundAt).toBeGreaterThan(1_000);
  expect(report.faults).toEqual([]);
  expect(report.drainedMs).toBeGreaterThan(ILL_MS);
});
