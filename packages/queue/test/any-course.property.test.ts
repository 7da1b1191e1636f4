import { runCall } from "@db/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { commands, expectedRows, type Model, Subject } from "./support/model.ts";
import { until } from "./support/service.ts";
import { isFullSize } from "./support/size.ts";

const RUNS = isFullSize ? 2_500 : 250;

test("in any course of events: what was acknowledged is applied once, in order, or waits, or is a dead letter", {
  timeout: 600_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.commands([...commands], { maxCommands: 30, size: "max" }), async (steps) => {
      const subject = new Subject();
      await runCall({ timeoutMs: 1_000 }, (context) => subject.driver.connect(context));
      await subject.open();
      const model: Model = { accepted: [], perhaps: new Set(), next: 0 };
      await fc.asyncModelRun(() => ({ model, real: subject }), steps);
      // All is well again: everything must come to its end.
      subject.full = false;
      subject.driver.comeBack();
      await subject.queue.barrier();
      await until(() => subject.queue.stats().pending === subject.queue.stats().dead + subject.queue.stats().parked);
      const letters = await subject.queue.deadLetters();
      // Of what was written nothing is damaged, and nothing is dead without a reason.
      expect(subject.queue.stats().damaged).toBe(0);
      expect(letters.filter(({ lastError }) => lastError === undefined)).toEqual([]);
      const dead = new Set(letters.map(({ operationId }) => operationId ?? ""));
      const rows = await subject.rows();
      expect(rows).toEqual(expectedRows(model, dead));
      await subject.db.disconnect();
      await subject.queue.close();
    }),
    { numRuns: RUNS, endOnFailure: false },
  );
});
