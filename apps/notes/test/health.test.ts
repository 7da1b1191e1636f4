import { prometheus } from "@db/metrics/prometheus";

import type { WriteQueue } from "@db/queue";

import { expect, test } from "vitest";
import { problemIn, startApp, stopClock } from "./harness.ts";

const status = async (answer: Response | Promise<Response>): Promise<unknown> =>
  ((await (await answer).json()) as { status: string }).status;

test("healthy: all three say so", async () => {
  const { app } = await startApp({ version: "1.2.3" });
  expect(await status(app.request("/livez"))).toBe("pass");
  expect(await status(app.request("/readyz"))).toBe("pass");
  const health = await app.request("/health");
  expect(health.status).toBe(200);
  expect(health.headers.get("content-type")).toBe("application/health+json");
  expect(await health.json()).toEqual({
    status: "pass",
    version: "1.2.3",
    checks: {
      "db:responseTime": [
        {
          componentType: "datastore",
          status: "pass",
          time: expect.stringMatching(/Z$/),
          observedValue: expect.any(Number),
          observedUnit: "ms",
        },
      ],
    },
  });
});

test("away for a short time: a warning, and requests are still taken", async () => {
  const { app, mock } = await startApp();
  mock.goAway();
  expect((await app.request("/readyz")).status).toBe(200);
  expect(await status(app.request("/readyz"))).toBe("warn");
  const health = await app.request("/health");
  expect(health.status).toBe(200);
  expect(await health.json()).toMatchObject({
    status: "warn",
    checks: { "db:responseTime": [{ status: "warn", output: "CONNECTION_FAILED" }] },
  });
});

test("away for long: 503 with the time of the next dial, and alive all the same", async () => {
  const { app, mock } = await startApp();
  stopClock();
  mock.goAway({ unavailableAfterMs: 0, retryAfterMs: 4_200 });
  const ready = await app.request("/readyz");
  expect(ready.status).toBe(503);
  expect(ready.headers.get("retry-after")).toBe("5");
  await problemIn(ready);
  const health = await app.request("/health");
  expect(health.status).toBe(503);
  expect(health.headers.get("retry-after")).toBe("5");
  expect(await status(health)).toBe("fail");
  expect((await app.request("/livez")).status).toBe(200);
  const list = await app.request("/notes");
  expect(list.status).toBe(503);
  expect((await problemIn(list)).retryAfter).toBe(5);
});

test("/livez never asks the database", async () => {
  const { app, mock } = await startApp();
  mock.clearCalls();
  mock.hang();
  expect((await app.request("/livez")).status).toBe(200);
  expect(mock.calls).toEqual([]);
});

test("while it is being stopped it is not ready, still alive, and ends its connections", async () => {
  const { app } = await startApp({ isDraining: () => true });
  const ready = await app.request("/readyz");
  expect(ready.status).toBe(503);
  expect((await problemIn(ready)).detail).toBe("the service is being stopped");
  expect(ready.headers.get("connection")).toBe("close");
  expect((await app.request("/livez")).status).toBe(200);
  expect((await app.request("/notes")).status).toBe(200);
  const health = await app.request("/health");
  expect(health.status).toBe(503);
  expect(health.headers.get("retry-after")).toBe("1");
});

test("a queue whose store is gone fails its check and warns of the whole; a dead letter warns in its check", async () => {
  const health = async (stats: object): Promise<readonly unknown[]> => {
    const some = { name: "queue", state: "idle", pending: 0, dead: 0, oldestAgeMs: 0, maxEntries: 10, ...stats };
    const { app } = await startApp({ queue: { stats: () => some } as unknown as WriteQueue });
    const { status, checks } = (await (await app.request("/health")).json()) as {
      readonly status: string;
      readonly checks: Readonly<Record<string, readonly [{ readonly status: string }]>>;
    };
    return [status, checks["queue:depth"]?.[0].status];
  };
  expect(await health({})).toEqual(["pass", "pass"]);
  expect(await health({ dead: 1 })).toEqual(["pass", "warn"]);
  expect(await health({ state: "failed" })).toEqual(["warn", "fail"]);
});

test("figures that cannot be collected are a problem like any other", async () => {
  // In no meter provider.
  const { app } = await startApp({ metrics: prometheus() });
  const answer = await app.request("/metrics");
  expect(answer.status).toBe(503);
  await problemIn(answer);
});

test("/startupz says no until the database was reached for the first time, while the process is alive", async () => {
  let started = false;
  const { app } = await startApp({ isStarted: () => started });
  const waiting = await app.request("/startupz");
  expect(waiting.status).toBe(503);
  await problemIn(waiting);
  expect((await app.request("/livez")).status).toBe(200);
  started = true;
  expect(await status(app.request("/startupz"))).toBe("pass");
});
