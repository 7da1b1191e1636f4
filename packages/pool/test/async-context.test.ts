import { AsyncLocalStorage } from "node:async_hooks";
import { describe, expect, test } from "vitest";
import { ConnectionPool } from "../src/index.ts";
import { FakeDatabase } from "./support/database.ts";

const request = new AsyncLocalStorage<string>();

describe("t20-async-context", () => {
  test("hooks run in no caller's context", async () => {
    const seen: Record<string, string | undefined> = {};
    const note = (hook: string): void => {
      seen[hook] = request.getStore() ?? "none";
    };
    const pool = new ConnectionPool({
      validateAfterIdleMs: 0,
      create: ({ signal }) => {
        note("create");
        signal.addEventListener("abort", () => note("abort"));
        return new Promise<object>((resolve) => {
          setTimeout(() => {
            note("create, later");
            resolve({});
          }, 1);
        });
      },
      validate: () => note("validate"),
      reset: () => note("reset"),
      destroy: () => note("destroy"),
    });
    await request.run("a request", async () => {
      await pool.use(() => {});
      await pool.use(() => {});
      (await pool.acquire()).destroy();
      const waiting = pool.acquire().catch(() => {});
      await pool.close();
      await waiting;
    });
    expect(seen).toEqual({
      create: "none",
      "create, later": "none",
      validate: "none",
      reset: "none",
      destroy: "none",
      abort: "none",
    });
  });

  test("a waiter resumes in its own context, whoever it was that gave the connection back", async () => {
    const pool = new FakeDatabase().pool({ max: 1 });
    const held = await pool.acquire();
    const resumed: (string | undefined)[] = [];
    const wait = (name: string): Promise<void> =>
      request.run(name, async () => {
        const lease = await pool.acquire();
        resumed.push(request.getStore());
        lease.release();
      });
    const all = [wait("a"), wait("b")];
    const late = request.run("c", async () => {
      await pool.acquire({ timeoutMs: 1 }).catch(() => {});
      return request.getStore();
    });
    expect(await late).toBe("c");
    request.run("d", () => held.release());
    await Promise.all(all);
    expect(resumed).toEqual(["a", "b"]);
  });
});
