import { createServer, type ServerResponse } from "node:http";
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
  const turns: ((response: ServerResponse) => unknown)[] = [
    () => "hangs",
    (response) => response.writeHead(503, { "retry-after": "0.1" }).end(),
    (response) => response.end("hello"),
  ];
  let closed = 0;
  const server = createServer((_request, response) => {
    response.on("close", () => {
      if (!response.writableFinished) closed += 1;
    });
    turns.shift()?.(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const retries: OnRetryEvent[] = [];
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const retry = createRetry({
      attemptTimeoutMs: 1_000,
      maxElapsedMs: 20_000,
      backoff: { baseMs: 10, jitter: "none" },
      onRetry: (event) => retries.push(event),
    });
    const text = await retry(async ({ signal }) => {
      const response = await fetch(url, { signal });
      if (response.status === 503) throw new Unavailable(response);
      return response.text();
    });
    expect(text).toBe("hello");
    expect(retries[0]?.error).toBeInstanceOf(RetryTimeoutError);
    expect(retries[1]).toMatchObject({ attempt: 2, delayMs: 100, error: { message: "503" } });
    expect(closed).toBe(1);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});
