import { checkInteger, checkKeys, checkSignal } from "./options.ts";

/** What `mapConcurrent` takes. */
export interface ConcurrentOptions {
  /** How many run at a time, 1..10,000. Default 10. */
  readonly concurrency?: number;
  /** When it fires nothing more is started and the promise rejects with its reason. */
  readonly signal?: AbortSignal;
}

/**
 * Maps items with bounded concurrency; results stand in the order of the items. The first failure stops what has not
 * begun and rejects once what has begun is done, so that nothing runs on behind the caller's back. Only a source that
 * hangs is not waited for once the signal has fired.
 */
export async function mapConcurrent<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  fn: (item: T, index: number) => Promise<R>,
  options: ConcurrentOptions = {},
): Promise<R[]> {
  checkKeys("mapConcurrent", options, ["concurrency", "signal"]);
  const signal = checkSignal("signal", options.signal);
  const concurrency = checkInteger("concurrency", options.concurrency ?? 10, 1, 10_000);
  const results: R[] = [];
  const source = iterate(items);
  let failure: { readonly reason: unknown } | undefined;
  let taken = 0;

  const worker = async (): Promise<void> => {
    while (failure === undefined) {
      if (signal?.aborted === true) {
        failure = { reason: signal.reason };
        return;
      }
      const next = await (signal === undefined ? source.next() : untilAborted(source.next(), signal));
      if (next.done === true || failure !== undefined) return;
      const index = taken;
      taken += 1;
      results[index] = await fn(next.value, index);
    }
  };
  const guarded = (): Promise<void> =>
    worker().catch((reason: unknown) => {
      failure ??= { reason };
    });
  await Promise.all(Array.from({ length: concurrency }, guarded));
  if (failure !== undefined) {
    const closed = close(source);
    if (signal?.aborted !== true) await closed;
    throw failure.reason;
  }
  return results;
}

function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

/** As a loop does that is left by an exception: that one counts, not what closing the iterator may throw. */
async function close(source: AsyncGenerator<unknown>): Promise<void> {
  await source.return(undefined).catch(() => {});
}

/** One iterator for both kinds; calls of `next` are answered in turn. */
async function* iterate<T>(items: Iterable<T> | AsyncIterable<T>): AsyncGenerator<T> {
  yield* items;
}
