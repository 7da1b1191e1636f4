import { GRACE_MS } from "./bounded-call.ts";
import { DatabaseErrorOf, toDatabaseError, withEffect } from "./errors.ts";
import { interrupted } from "./interrupt.ts";
import type { LiveEvent } from "./live.ts";

type Step = IteratorResult<LiveEvent, unknown>;
const DONE: Step = { value: undefined, done: true };

/**
 * What a driver's live query gives, in bounded time: its start and its end have a limit, and once the signal has fired
 * the iteration is done after the grace of every call, whether the driver listens or not.
 */
export async function* liveSteps(
  watch: () => AsyncIterable<LiveEvent>,
  signal: AbortSignal,
  timeoutMs: number,
): AsyncGenerator<LiveEvent, void, undefined> {
  let iterator: AsyncIterator<LiveEvent> | undefined;
  const next = (): Promise<Step> => {
    iterator ??= watch()[Symbol.asyncIterator]();
    return iterator.next();
  };
  let isOpen = true;
  try {
    for (let limitMs: number | undefined = timeoutMs; ; limitMs = undefined) {
      isOpen = false;
      const { value, done } = await inTime(next, signal, limitMs);
      if (done === true) return;
      isOpen = true;
      yield value;
    }
  } finally {
    const close = async (): Promise<Step> => (await iterator?.return?.()) ?? DONE;
    if (isOpen) await inTime(close, signal, timeoutMs);
    // Nobody waits for one that is still busy with a step, or has failed at it.
    else close().catch(() => {});
  }
}

/** One step; that of an end where the signal has fired and the driver does not answer. */
function inTime(ask: () => Promise<Step>, signal: AbortSignal, limitMs: number | undefined): Promise<Step> {
  const { promise, resolve, reject } = Promise.withResolvers<Step>();
  let timer: NodeJS.Timeout | undefined;
  const expire = (): void => {
    const timeoutMs = limitMs ?? 0;
    reject(new DatabaseErrorOf("QUERY_TIMEOUT", `no answer within ${timeoutMs} ms`, { timeoutMs }));
  };
  const stop = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => resolve(DONE), GRACE_MS);
  };
  const settle = async (): Promise<void> => {
    try {
      const { value, done } = await ask();
      resolve({ value, done } as Step);
    } catch (thrown) {
      // To watch changes nothing. Many pass the reason of a signal on as their own error, and it may be anything.
      const isReason = signal.aborted && Object.is(thrown, signal.reason);
      reject(isReason ? interrupted({ signal }, "none") : withEffect(toDatabaseError(thrown, "none"), "none"));
    }
  };
  if (signal.aborted) stop();
  else {
    // The driver has the same limit and may know more of why: it is left only after the grace.
    if (limitMs !== undefined) timer = setTimeout(expire, limitMs + GRACE_MS);
    signal.addEventListener("abort", stop);
  }
  void settle();
  return promise.finally(() => {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  });
}
