import { compare, type Goal, type Measured, report } from "@db/bench";
import { createRetry } from "@db/retry";
import {
  ConsecutiveBreaker,
  circuitBreaker,
  retry as cockatielRetry,
  ExponentialBackoff,
  handleAll,
  TimeoutStrategy,
  timeout,
  wrap,
} from "cockatiel";
import pRetry, { makeRetriable } from "p-retry";

const value = { id: 1 };
const run = (): Promise<object> => Promise.resolve(value);
const { signal } = new AbortController();

const plain = createRetry();
const timed = createRetry({ attemptTimeoutMs: 5_000 });
const bounded = createRetry({ maxElapsedMs: 30_000 });
const both = createRetry({ attemptTimeoutMs: 5_000, maxElapsedMs: 30_000 });
const wrapped = plain.wrap(run);

const theirs = cockatielRetry(handleAll, { maxAttempts: 3, backoff: new ExponentialBackoff() });
const theirBreaker = circuitBreaker(handleAll, { halfOpenAfter: 10_000, breaker: new ConsecutiveBreaker(5) });
const theirTimeout = timeout(5_000, TimeoutStrategy.Aggressive);
const theirTimed = wrap(theirs, theirTimeout);
const theirAll = wrap(theirs, theirBreaker, theirTimeout);
const retriable = makeRetriable(run, { retries: 3 });

const rows = await compare([
  { name: "bare await", run },
  { name: "ours, budget on", run: () => plain(run) },
  { name: "ours, wrapped function", run: () => wrapped() },
  { name: "ours, with a signal", run: () => plain(run, { signal }) },
  { name: "ours, with attempt timeout", run: () => timed(run) },
  { name: "ours, with max elapsed", run: () => bounded(run) },
  { name: "ours, attempt timeout + max elapsed + signal", run: () => both(run, { signal }) },
  { name: "cockatiel retry", run: () => theirs.execute(run) },
  { name: "cockatiel retry + timeout", run: () => theirTimed.execute(run) },
  { name: "cockatiel retry + breaker + timeout", run: () => theirAll.execute(run) },
  { name: "p-retry", run: () => pRetry(run, { retries: 3 }) },
  { name: "p-retry, makeRetriable", run: () => retriable() },
]);
const of = (name: string): Measured => {
  const found = rows.find((row) => row.name === name);
  if (found === undefined) throw new Error(`no row ${name}`);
  return found;
};
const [bare, ours, attempts] = [of("bare await"), of("ours, budget on"), of("ours, with attempt timeout")];
const [cockatiel, theirTimeouts] = [of("cockatiel retry"), of("cockatiel retry + timeout")];
const goals: Goal[] = [
  { what: "first try over a bare await (min)", actual: ours.minNs / bare.minNs, limit: 3, unit: "×" },
  { what: "first try over a bare await (median)", actual: ours.medianNs / bare.medianNs, limit: 3, unit: "×" },
  { what: "first try", actual: ours.bytes, limit: 800, unit: "bytes" },
  { what: "with attempt timeout over a bare await (min)", actual: attempts.minNs / bare.minNs, limit: 12, unit: "×" },
  {
    what: "with attempt timeout over a bare await (median)",
    actual: attempts.medianNs / bare.medianNs,
    limit: 12,
    unit: "×",
  },
  { what: "first try over cockatiel's (min)", actual: ours.minNs / cockatiel.minNs, limit: 1, unit: "×" },
  {
    what: "with attempt timeout over cockatiel's (min)",
    actual: attempts.minNs / theirTimeouts.minNs,
    limit: 0.2,
    unit: "×",
  },
];
report(
  "retry",
  rows.map((row) => ({
    ...row,
    minRatio: Number((row.minNs / bare.minNs).toFixed(1)),
    medianRatio: Number((row.medianNs / bare.medianNs).toFixed(1)),
  })),
  goals,
);
