import { afterEach, expect } from "vitest";
import { DeadlineTimer } from "../../src/deadline.ts";

const timers = new Set<DeadlineTimer>();
const add = DeadlineTimer.prototype.add;
DeadlineTimer.prototype.add = function addAndRemember(entry, durationMs): void {
  timers.add(this);
  add.call(this, entry, durationMs);
};

/** What still waits in any deadline timer: a call that was not ended, or a child that was forgotten. */
function waiting(): number {
  let count = 0;
  for (const timer of timers) count += timer.entries().length;
  return count;
}

/** For files whose calls all end: whatever a test did, it may leave nothing behind in a timer. */
export function checkLeaksAfterEach(): void {
  afterEach(() => {
    const left = waiting();
    timers.clear();
    expect(left, "entries left in a deadline timer").toBe(0);
  });
}
