import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { createRetry, type OnRetryEvent, RetryTimeoutError } from "../src/index.ts";

/** As an HTTP client of somebody else's would tell of a 503. */
class Unavailable extends Error {
  readonly retryable = true;
  readonly retryAfterMs: number;

  constructor(response: Response) {
    super(`${response.status}`);
    this.retryAfterMs = Number(response.headers.get("retry-after")) * 1_000;
  }
}

test("on real timers and sockets: a request that hangs is aborted, a 503 is heeded, and then there is an answer", async () => {
  const retries: OnRetryEvent[] = [];
  const refusals = (): OnRetryEvent[] => retries.filter(({ error }) => error instanceof Unavailable);
  let aborted = 0;
  // By what the client has come to, not by the number of the request: on a machine that pauses any of them may be aborted.
  const server = createServer((_request, response) => {
    response.on("close", () => {
      if (!response.writableFinished) aborted += 1;
    });
    if (aborted === 0) return;
    if (refusals().length === 0) response.writeHead(503, { "retry-after": "0.1" }).end();
    else response.end("hello");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const retry = createRetry({
      attemptTimeoutMs: 1_000,
      maxAttempts: Number.POSITIVE_INFINITY,
      maxElapsedMs: 20_000,
      budget: false,
      backoff: { baseMs: 10, capMs: 10, jitter: "none" },
      onRetry: (event) => retries.push(event),
    });
    const text = await retry(async ({ signal }) => {
      const response = await fetch(url, { signal });
      if (response.status === 503) throw new Unavailable(response);
      return response.text();
    });
    expect(text).toBe("hello");
    expect(retries[0]?.error).toBeInstanceOf(RetryTimeoutError);
    expect(aborted).toBeGreaterThan(0);
    expect(refusals()).toMatchObject([{ delayMs: 100, error: { message: "503" } }]);
    for (const { error } of retries)
      expect(error instanceof RetryTimeoutError || error instanceof Unavailable).toBe(true);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}, 30_000);
