import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Check, CheckResult, Claim, Claims, Ground } from "./check.ts";

interface RunOptions {
  readonly signal: AbortSignal;
  readonly limitMs: number;
  readonly progress: (text: string) => void;
}

/** Never rejects: a check that fails to come to an end is a claim that does not hold. */
export async function runCheck(check: Check, { signal, limitMs, progress }: RunOptions): Promise<CheckResult> {
  const start = performance.now();
  const claims: Claim[] = [];
  const over = AbortSignal.any([signal, AbortSignal.timeout(limitMs)]);
  const opened = new AsyncDisposableStack();
  const ground = groundOn(opened, over, (text) => progress(`${check.name}: ${text}`));
  try {
    const ended = new Promise<never>((_, reject) => {
      over.addEventListener("abort", () => reject(over.reason), { once: true });
    });
    await Promise.race([check.run(collector(claims), ground), ended]);
  } catch (error) {
    claims.push({ what: "comes to an end", measured: textOf(error), holds: false });
  }
  try {
    await opened.disposeAsync();
  } catch (error) {
    claims.push({ what: "leaves nothing open", measured: textOf(error), holds: false });
  }
  if (claims.length === 0) claims.push({ what: "finds something", measured: "nothing was checked", holds: false });
  return { name: check.name, claims, durationMs: performance.now() - start };
}

function collector(claims: Claim[]): Claims {
  return {
    claim: (what, isSo, measured) => {
      claims.push({ what, measured, holds: isSo });
    },
    atMost: (what, value, bound, unit) => {
      const measured = `${value.toFixed(value < 10 ? 1 : 0)} ${unit}`;
      claims.push({ what: `${what} ≤ ${bound} ${unit}`, measured, holds: value <= bound });
    },
  };
}

function groundOn(opened: AsyncDisposableStack, signal: AbortSignal, progress: (text: string) => void): Ground {
  return {
    signal,
    progress,
    use: (resource) => opened.use(resource),
    defer: (close) => opened.defer(close),
    async folder() {
      const path = await mkdtemp(join(tmpdir(), "db-verify-"));
      opened.defer(() => rm(path, { recursive: true, force: true, maxRetries: 5 }));
      return path;
    },
  };
}

function textOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
