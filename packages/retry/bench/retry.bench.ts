import { compare, type Goal, report } from "@db/bench";
import { createRetry, RetryBudget } from "@db/retry";
import {
  ConsecutiveBreaker,
  ExponentialBackoff,
  circuitBreaker,
  handleAll,
  retry as cockatielRetry,
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
console.table(rows);
