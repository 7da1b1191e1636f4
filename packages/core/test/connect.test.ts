import { afterEach, describe, expect, test, vi } from "vitest";
import { DatabaseErrorOf, defineDriver } from "../src/index.ts";
import { checkLeaksAfterEach } from "./support/leaks.ts";
import { failure, hang, rejection, service } from "./support/service.ts";

checkLeaksAfterEach();
afterEach(() => {
  vi.useRealTimers();
});

describe("connect", () => {
  test("connects once for all who ask, with the same promise", async () => {
    const connect = vi.fn(async () => {});
    const db = service({ connect });
    const first = db.connect();
    expect(db.connect()).toBe(first);
    expect(db.state.name).toBe("connecting");
    await first;
    expect(db.connect()).toBe(first);
    expect(db.state.name).toBe("connected");
    expect(connect).toHaveBeenCalledTimes(1);
  });

  test("fails with the true cause, and may be tried again", async () => {
    const refused = new DatabaseErrorOf("AUTHENTICATION_FAILED", "wrong password", {});
    const connect = vi.fn(async () => {}).mockRejectedValueOnce(refused);
    const db = service({ connect });
    expect(await rejection(db.connect())).toBe(refused);
    expect(db.state.name).toBe("disconnected");
    await db.connect();
    expect(db.state.name).toBe("connected");
  });

  test("fails for all who asked at once, and each may handle it", async () => {
    const db = service({ connect: () => Promise.reject(new Error("refused")) });
    const [one, other] = await Promise.all([failure(db.connect()), failure(db.connect())]);
    expect(one).toBe(other);
    expect(one.cause).toMatchObject({ message: "refused" });
  });

  test("has its own time at start: ten minutes unless told, also when the option is undefined", async () => {
    vi.useFakeTimers();
    const db = service({ connect: hang }, { timeoutMs: 10 });
    const failed = failure(db.connect({ timeoutMs: undefined } as never));
    await vi.advanceTimersByTimeAsync(600_099);
    expect(db.state.name).toBe("connecting");
    await vi.advanceTimersByTimeAsync(1);
    expect(await failed).toMatchObject({ code: "QUERY_TIMEOUT", effect: "none", facts: { timeoutMs: 600_000 } });
  });

  test("may be given less, by the service or the call", async () => {
    vi.useFakeTimers();
    const db = service({ connect: hang }, { startupMaxWaitMs: 500 });
    const failed = failure(db.connect());
    await vi.advanceTimersByTimeAsync(600);
    expect(await failed).toMatchObject({ facts: { timeoutMs: 500 } });
    const again = failure(db.connect({ timeoutMs: 50 }));
    await vi.advanceTimersByTimeAsync(150);
    expect(await again).toMatchObject({ facts: { timeoutMs: 50 } });
  });

  test("ends with the caller's signal", async () => {
    const connect = vi.fn(hang);
    const db = service({ connect });
    expect(await failure(db.connect({ signal: AbortSignal.abort() }))).toMatchObject({ code: "CANCELLED" });
    expect(connect).not.toHaveBeenCalled();
  });

  test("after disconnect is CLOSED, whether or not it was connected before", async () => {
    const never = service({});
    await never.disconnect();
    expect(await failure(never.connect())).toMatchObject({ code: "CLOSED" });
    const once = service({});
    await once.connect();
    const closing = once.disconnect();
    expect(await failure(once.connect())).toMatchObject({ code: "CLOSED" });
    await closing;
    expect(await failure(once.connect())).toMatchObject({ code: "CLOSED" });
  });
});

describe("a driver from its parts", () => {
  test("that was closed does not connect again", async () => {
    const driver = defineDriver({ name: "fake", statements: {} });
    const context = {} as never;
    await driver.disconnect(context);
    expect(await failure(driver.connect(context))).toMatchObject({ code: "CLOSED" });
  });

  test("has every capability that it named, and no other", () => {
    const driver = defineDriver({ name: "fake", statements: {}, capabilities: { scopes: true } });
    expect(driver.capabilities).toEqual({
      transactions: false,
      savepoints: false,
      idempotentWrites: false,
      liveQueries: false,
      scopes: true,
      queryLanguage: false,
    });
  });
});
