import { expect, test } from "vitest";
import { crashLoop } from "./support/crash-loop.ts";

const ROUNDS = 200;

test(`${ROUNDS} kills of the service while the database is killed as well: each acknowledged write is applied once, in order`, {
  timeout: 3_600_000,
}, async () => {
  const { broken, ...counts } = await crashLoop(ROUNDS, (done, waiting) => {
    if (done % 10 === 0) process.stdout.write(`${done} of ${ROUNDS} kills, ${waiting} writes waited at them\n`);
  });
  process.stdout.write(`${JSON.stringify(counts)}\n`);
  expect(broken).toEqual([]);
  // Else the kills have missed what they are for.
  expect(counts.waiting).toBeGreaterThan(0);
});
