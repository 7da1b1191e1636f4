import { expect, test } from "vitest";
import { expectNothingLost, playRandom } from "./lab-process.ts";

const RUNS = 200;

test(`${RUNS} random cuts, flaps and kills of database and service: no acknowledged write is lost or doubled`, {
  timeout: 3_600_000,
}, async () => {
  const runs = await playRandom(RUNS, (text) => process.stderr.write(text));
  expectNothingLost(runs, RUNS);
  const past = runs.reports.filter(({ pastLimit }) => pastLimit);
  expect(past.length).toBeGreaterThan(0);
  for (const { firstRefusedMs } of past) expect(firstRefusedMs).not.toBeNull();
});
