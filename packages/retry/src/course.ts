import type { GiveUpReason } from "./errors.ts";
import type { Policy } from "./policy.ts";

/** Why a call ends without another attempt, and with what. */
export interface Ending {
  readonly reason: GiveUpReason;
  readonly error: unknown;
}

/** What differs between one kind of call and another: how an attempt is made, how one waits, what forbids to go on. */
export interface Course<T> {
  /** For telemetry: what is repeated. */
  readonly operation?: string;
  /** On the `performance.now()` scale; NaN where nothing wants to know. */
  readonly startedAt: number;
  /** Until the end of the call, in milliseconds; `Infinity` for none. */
  readonly remainingMs: number;
  attempt(attempt: number): Promise<T>;
  /** May end sooner, but resolves always; `ending` then says why. */
  wait(delayMs: number): Promise<void>;
  /**
   * Asked after each failed attempt and after each wait.
   * @param error of the last attempt
   */
  ending(error: unknown, waited: boolean): Ending | undefined;
  /** Called once, when there is nothing more to come. */
  end(): void;
}

/** From the failure of the first attempt to the end of the call. */
export async function goOn<T>(policy: Policy, course: Course<T>, firstError: unknown): Promise<T> {
  let error = firstError;
  let previousMs = 0;
  for (let attempt = 1; ; attempt += 1) {
    const stopped = course.ending(error, false);
    if (stopped !== undefined) throw giveUp(policy, course, attempt, stopped);
    const plan = policy.plan(error, attempt, previousMs, course.remainingMs);
    if (typeof plan === "string") throw giveUp(policy, course, attempt, { reason: plan, error });
    const { delayMs, ownMs, charge } = plan;
    previousMs = ownMs;
    policy.retrying({ error, attempt, delayMs, elapsedMs: elapsedMs(course) }, course.operation);
    await course.wait(delayMs);
    const ending = course.ending(error, true);
    if (ending !== undefined) {
      // What was not sent is no load.
      charge?.refund();
      throw giveUp(policy, course, attempt, ending);
    }
    try {
      const value = await course.attempt(attempt + 1);
      charge?.refund();
      course.end();
      policy.succeeded(attempt + 1, error, course.operation);
      return value;
    } catch (thrown) {
      error = thrown;
    }
  }
}

/** Returns what the caller gets. */
export function giveUp<T>(policy: Policy, course: Course<T>, attempts: number, { reason, error }: Ending): unknown {
  course.end();
  policy.givingUp({ error, attempts, elapsedMs: elapsedMs(course), reason }, course.operation);
  return error;
}

function elapsedMs<T>({ startedAt }: Course<T>): number {
  return Number.isNaN(startedAt) ? 0 : performance.now() - startedAt;
}
