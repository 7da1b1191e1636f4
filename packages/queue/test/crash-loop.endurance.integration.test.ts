import { expect, test } from "vitest";
import { crashLoop } from "./support/crash-loop.ts";
import { isFullSize } from "./support/size.ts";

const rounds = isFullSize ? 30 : 3;

test(`${rounds} kills of the service while the database is killed as well: each acknowledged write is applied once, in order`, {
  timeout: 120_000 + rounds * 10_000,
}, async () => {
  const { broken, ...counts } = await crashLoop(rounds);
  process.stdout.write(`${JSON.stringify(counts)}\n`);
  expect(broken).toEqual([]);
  // Else the kills have missed what they are for.
  expect(counts.waiting).toBeGreaterThan(0);
  expect(counts.acknowledged).toBeGreaterThan(rounds * 10);
});
