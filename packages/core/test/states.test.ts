import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  type CallContext,
  type ConnectionState,
  ConnectionStatus,
  createDatabase,
  type DatabaseError,
  DatabaseErrorOf,
  type DatabaseService,
  type Driver,
  defineDriver,
  type Layer,
} from "../src/index.ts";
import { checkLeaksAfterEach } from "./support/leaks.ts";
import { failure, hang, service } from "./support/service.ts";

checkLeaksAfterEach();

const cause = new DatabaseErrorOf("AUTHENTICATION_FAILED", "wrong password", {}) as DatabaseError;

/** A service over a driver that is in whatever state the test says. */
function inState(
  state: ConnectionState,
  layers: readonly Layer[] = [],
  ping: Driver["ping"] = async () => {},
): DatabaseService {
  const status = new ConnectionStatus();
  status.set(state);
  const base = defineDriver({ name: "fake", statements: { read: async () => undefined }, ping });
  const driver: Driver = {
    ...base,
    get state() {
      return status.state;
    },
    onStateChange: (listener) => status.onStateChange(listener),
  };
  return createDatabase({ driver, layers });
}

const failed = (nextInMs: number, unavailableInMs: number): ConnectionState => {
  const now = performance.now();
  return {
    name: "failed",
    since: now - 1_000,
    error: cause,
    nextAttemptAt: now + nextInMs,
    unavailableAt: now + unavailableInMs,
  };
};
const dontWait: Layer = (next) => (operation, context) => next(operation, context.with({ whenAway: "fail" }));

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("a call", () => {
  test("before connect() is NOT_CONNECTED", async () => {
    const db = inState({ name: "disconnected" });
    expect(await failure(db.read("notes:1"))).toMatchObject({ code: "NOT_CONNECTED", effect: "none", retryable: true });
    expect(await failure(db.create("notes", {}))).toMatchObject({ code: "NOT_CONNECTED", effect: "none" });
    expect(await failure(db.transaction(async () => {}))).toMatchObject({ code: "NOT_CONNECTED", effect: "none" });
    expect(await failure(db.version())).toMatchObject({ code: "NOT_CONNECTED" });
  });

  test("while connecting for the first time is SERVICE_UNAVAILABLE at once", async () => {
    const db = inState({ name: "connecting", since: performance.now() });
    expect(await failure(db.read("notes:1"))).toMatchObject({
      code: "SERVICE_UNAVAILABLE",
      effect: "none",
      facts: { retryAfterMs: 1_000 },
    });
  });

  test("in an outage goes to the driver, whose pool alone waits", async () => {
    expect(await inState(failed(700, 30_000)).read("notes:1")).toBeUndefined();
  });

  test("that does not want to wait is CONNECTION_FAILED at once, with the outage as the cause", async () => {
    const error = await failure(inState(failed(700, 30_000), [dontWait]).create("notes", {}));
    expect(error).toMatchObject({ code: "CONNECTION_FAILED", effect: "none", cause });
  });

  test.each([[[]], [[dontWait]]])("past the limit is SERVICE_UNAVAILABLE until the next dial", async (layers) => {
    const error = await failure(inState(failed(700, 0), layers).read("notes:1"));
    expect(error).toMatchObject({ code: "SERVICE_UNAVAILABLE", facts: { retryAfterMs: 700 }, cause });
    expect(error.message).not.toContain("password");
  });

  test("past the limit, with a dial that is overdue, says at least 1 ms", async () => {
    expect(await failure(inState(failed(-50, -1)).read("notes:1"))).toMatchObject({ facts: { retryAfterMs: 1 } });
  });

  test("after the end is CLOSED", async () => {
    expect(await failure(inState({ name: "closed" }).read("notes:1"))).toMatchObject({ code: "CLOSED" });
    const db = service({});
    await db.disconnect();
    for (const call of [
      db.read("notes:1"),
      db.version(),
      db.wasApplied("op"),
      db.live("notes")[Symbol.asyncIterator]().next(),
    ])
      expect(await failure(call)).toMatchObject({ code: "CLOSED", effect: "none", retryable: false });
  });
});

describe("health", () => {
  test.each<[string, () => ConnectionState, object]>([
    ["starting", () => ({ name: "connecting", since: 0 }), { status: "starting" }],
    ["unhealthy", () => ({ name: "disconnected" }), { status: "unhealthy", reason: "connect() has not been called" }],
    ["unhealthy", () => ({ name: "closed" }), { status: "unhealthy", reason: "closed" }],
    [
      "degraded",
      () => failed(700, 1),
      { status: "degraded", reason: "AUTHENTICATION_FAILED: wrong password", retryAfterMs: 700 },
    ],
    [
      "unhealthy",
      () => failed(700, 0),
      { status: "unhealthy", reason: "AUTHENTICATION_FAILED: wrong password", retryAfterMs: 700 },
    ],
  ])("is %s by the state alone, without a ping", async (_status, state, health) => {
    const ping = vi.fn(hang);
    expect(await inState(state(), [], ping).healthCheck()).toEqual(health);
    expect(ping).not.toHaveBeenCalled();
  });

  test("is healthy when the ping answers, with its time", async () => {
    const ping = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 30));
    const health = inState({ name: "connected", since: 0 }, [], ping).healthCheck();
    await vi.advanceTimersByTimeAsync(30);
    expect(await health).toEqual({ status: "healthy", responseTimeMs: 30 });
  });

  test("is degraded when the ping fails while the state says connected", async () => {
    const health = await inState({ name: "connected", since: 0 }, [], () => Promise.reject(cause)).healthCheck();
    expect(health).toMatchObject({ status: "degraded", reason: "AUTHENTICATION_FAILED: wrong password" });
  });

  test("does not wait for a connection that is lost under the ping", async () => {
    const ping = vi.fn(async (_: CallContext) => {});
    await inState({ name: "connected", since: 0 }, [], ping).healthCheck();
    expect(ping.mock.calls[0]?.[0].whenAway).toBe("fail");
  });

  test("takes at most five seconds, even with a ping that never answers and does not listen", async () => {
    const health = inState({ name: "connected", since: 0 }, [], hang).healthCheck();
    let told = false;
    void health.then(() => (told = true));
    await vi.advanceTimersByTimeAsync(5_000);
    expect(told).toBe(true);
    expect(await health).toMatchObject({ status: "degraded", reason: expect.stringContaining("QUERY_TIMEOUT") });
  });

  test("is unhealthy from the moment of disconnect(), as every new call is refused", async () => {
    const db = service({ statements: { read: () => new Promise((resolve) => setTimeout(resolve, 50, undefined)) } });
    await db.connect();
    const [read, closing] = [db.read("notes:1"), db.disconnect()];
    expect(db.state.name).toBe("connected");
    expect(await db.healthCheck()).toEqual({ status: "unhealthy", reason: "closing" });
    await vi.advanceTimersByTimeAsync(50);
    await Promise.all([read, closing]);
    expect(await db.healthCheck()).toEqual({ status: "unhealthy", reason: "closed" });
  });
});

describe("ConnectionStatus", () => {
  test("tells its listeners until they leave, and closed is final", () => {
    const status = new ConnectionStatus();
    const seen: string[] = [];
    const leave = status.onStateChange((state) => seen.push(state.name));
    status.set({ name: "connected", since: 0 });
    leave();
    status.set({ name: "closed" });
    status.set({ name: "connected", since: 1 });
    expect(seen).toEqual(["connected"]);
    expect(status.state).toEqual({ name: "closed" });
  });

  test("tells the states in their order, also where a listener brings about the next one", () => {
    const status = new ConnectionStatus();
    const seen: string[] = [];
    status.onStateChange(({ name }) => {
      if (name === "connected") status.set({ name: "closed" });
    });
    status.onStateChange(({ name }) => seen.push(name));
    status.set({ name: "connected", since: 0 });
    expect(seen).toEqual(["connected", "closed"]);
  });
});
