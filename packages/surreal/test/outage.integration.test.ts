import { setTimeout } from "node:timers/promises";
import { createDatabase, isDatabaseError } from "@db/core";
import { surreal } from "@db/surreal";
import { FaultProxy, startSurreal } from "@db/testing";
import { expect, test } from "vitest";
import { PLACE, ROOT } from "./support/admin.ts";
import { Halts } from "./support/halts.ts";

const CALLERS = 1_000;
const OUTAGE_MS = 3_000;

test("an outage under 1,000 callers is met by one prober, and ends for all of them without a herd", async () => {
  await using server = await startSurreal();
  await using proxy = await FaultProxy.start({ target: server });
  const driver = surreal({
    url: proxy.url(server.url),
    ...PLACE,
    authentication: ROOT,
    pool: { maxSockets: 4, perSocket: 16 },
  });
  await using db = createDatabase({ driver });
  await db.connect();
  await db.create("notes", { n: 1 }, { id: "notes:1" });
  using halts = new Halts();
  const now = (): number => performance.now() - halts.totalMs;
  let isOver = false;
  let failed = 0;
  const backAt: number[] = [];
  const callers = Array.from({ length: CALLERS }, async () => {
    for (;;) {
      try {
        await db.read("notes:1");
        if (isOver) {
          backAt.push(now());
          return;
        }
      } catch (error) {
        if (!isDatabaseError(error) || error.code !== "CONNECTION_FAILED" || error.effect !== "none") throw error;
        failed += 1;
      }
    }
  });
  await setTimeout(300);

  // Every dial is accepted and reset, so that it can be counted.
  await proxy.set("reset");
  const dialsBefore = proxy.stats().dials;
  await setTimeout(OUTAGE_MS);
  const dialsDuring = proxy.stats().dials - dialsBefore;
  isOver = true;
  await proxy.set("up");
  const start = now();
  await Promise.all(callers);
  const dialsAfter = proxy.stats().dials - dialsBefore - dialsDuring;

  const [first = Number.NaN, last = Number.NaN] = [Math.min(...backAt) - start, Math.max(...backAt) - start];
  process.stdout.write(
    `outage of ${OUTAGE_MS} ms, ${CALLERS} callers: ${dialsDuring} dials in it, ${dialsAfter} after it; ${failed} calls failed; first success after ${Math.round(first)} ms, all after ${Math.round(last)} ms\n`,
  );
  // Only what was on its way when the connections broke fails: 4 sockets with 16 calls each.
  expect(failed).toBeLessThanOrEqual(64);
  // One at a time, with pauses that grow from 25 ms to a quarter of the outage.
  expect(dialsDuring).toBeLessThanOrEqual(40);
  expect(dialsAfter).toBeLessThanOrEqual(8);
  expect(first).toBeLessThan(2_000);
  expect(last).toBeLessThan(4_000);
});
