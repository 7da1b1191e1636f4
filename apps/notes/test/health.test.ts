import { expect, test } from "vitest";
import { problemIn, startApp } from "./harness.ts";

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
  mock.goAway({ unavailableAfterMs: 0, retryAfterMs: 4_200 });
  const ready = await app.request("/readyz");
  expect(ready.status).toBe(503);
  expect(ready.headers.get("retry-after")).toBe("5");
  await problemIn(ready);
  const health = await app.request("/health");
  expect(health.status).toBe(503);
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
  expect((await app.request("/health")).status).toBe(503);
});
