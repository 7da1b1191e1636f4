import { isDatabaseError } from "@db/core";

/** How a call ended, as `CODE/effect` or `ok`. */
export interface Settled {
  readonly outcome: string;
  readonly ms: number;
  /** What an error of ours breaks of its own contract. */
  readonly broken: readonly string[];
}

const RETRYABLE = new Set(["CONNECTION_FAILED", "SERVICE_UNAVAILABLE", "QUERY_TIMEOUT", "POOL_EXHAUSTED"]);
const SECRET = /password|root:root|eyJ/;

/** Never rejects; a call that does not end in time `HANGS`. */
export async function settle(call: Promise<unknown>, limitMs: number): Promise<Settled> {
  const start = performance.now();
  let broken: readonly string[] = [];
  const ended = call.then(
    () => "ok",
    (error: unknown) => {
      if (!isDatabaseError(error)) return `not ours: ${error}`;
      broken = brokenPromises(error);
      return `${error.code}/${error.effect}`;
    },
  );
  const outcome = (await within(limitMs, ended)) ?? "HANGS";
  return { outcome, ms: Math.round(performance.now() - start), broken };
}

/** Undefined when it is not there in time. The timer keeps the process: something is waited for. */
export async function within<T>(limitMs: number, value: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), limitMs);
  });
  return Promise.race([value, late]).finally(() => clearTimeout(timer));
}

function brokenPromises(
  error: Error & { readonly code: string; readonly retryable: boolean; readonly facts: object },
): string[] {
  const { code, retryable, facts, message } = error;
  const broken: string[] = [];
  if (retryable !== RETRYABLE.has(code)) broken.push(`${code}: retryable is ${retryable}`);
  if (SECRET.test(message)) broken.push(`${code}: its message tells a secret`);
  const { retryAfterMs, operationId } = facts as { readonly retryAfterMs?: number; readonly operationId?: string };
  if (code === "SERVICE_UNAVAILABLE" && !(retryAfterMs !== undefined && retryAfterMs >= 1 && retryAfterMs <= 6_000))
    broken.push(`${code}: retryAfterMs is ${retryAfterMs}`);
  if (code === "OUTCOME_UNKNOWN" && (operationId ?? "") === "") broken.push(`${code}: no operationId`);
  return broken;
}
