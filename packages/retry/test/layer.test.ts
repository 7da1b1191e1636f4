import { channel } from "node:diagnostics_channel";
import {
  attemptTimeout,
  type CallContext,
  createDatabase,
  type DatabaseErrorOf,
  type DatabaseService,
  DatabaseErrorOf as DbError,
  type Effect,
  ERROR_CODES,
  type ErrorCode,
  type ErrorFacts,
  type Execute,
  type Layer,
  type LayerHost,
  type Operation,
  runCall,
} from "@db/core";
import { MockDatabase, type MockDatabaseOptions } from "@db/testing";
import { afterEach, describe, expect, test, vi } from "vitest";
import { attemptsOf, CHANNELS, reportOf } from "../src/index.ts";
import { type RetryLayerOptions, retryLayer } from "../src/layer.ts";

afterEach(() => {
  vi.useRealTimers();
});

function failure<C extends ErrorCode>(code: C, effect: Effect = "none", retryable?: boolean): DatabaseErrorOf<C> {
  const facts = { retryAfterMs: 1, timeoutMs: 1, id: "notes:1" } as unknown as ErrorFacts[C];
  return new DbError(code, "scripted", facts, retryable === undefined ? { effect } : { effect, retryable });
}

interface Service {
  readonly db: DatabaseService;
  readonly mock: MockDatabase;
}

async function service(
  options: RetryLayerOptions = {},
  outer: readonly Layer[] = [],
  mockOptions: MockDatabaseOptions = {},
): Promise<Service> {
  const mock = new MockDatabase(mockOptions);
  const quick: RetryLayerOptions = { backoff: { baseMs: 1, capMs: 2, jitter: "none" }, budget: false, ...options };
  const db = createDatabase({ driver: mock, layers: [...outer, retryLayer(quick)] });
  await db.connect();
  await db.create("notes", { n: 0 }, { id: "notes:1" });
  mock.clearCalls();
  return { db, mock };
}

const changed =
  (change: Parameters<CallContext["with"]>[0]): Layer =>
  (next) =>
    function changedLayer(operation, context) {
      return next(operation, context.with(change));
    };
const ledger = changed({ ledger: true });
const replay = changed({ origin: "replay" });

describe("what is repeated", () => {
  test("a read that failed, until it succeeds", async () => {
    const { db, mock } = await service();
    mock.failNext(failure("CONNECTION_FAILED"), { times: 3 });
    expect(await db.read("notes:1")).toMatchObject({ n: 0 });
    expect(mock.calls).toHaveLength(4);
  });

  test("a write that had no effect; it is applied once", async () => {
    const { db, mock } = await service();
    mock.failNext(failure("CONFLICT"), { times: 2 });
    await db.update("notes:1", { n: 1 }, { mode: "increment" });
    expect(await db.read("notes:1")).toMatchObject({ n: 1 });
  });

  test("a write of unknown effect under the ledger, with the same operation id, so that it is applied once", async () => {
    const { db, mock } = await service({}, [ledger]);
    mock.failNext(failure("CONNECTION_FAILED"), { times: 2, when: "after" });
    await db.update("notes:1", { n: 1 }, { mode: "increment" });
    expect(await db.read("notes:1")).toMatchObject({ n: 1 });
    const updates = mock.calls.filter(({ kind }) => kind === "update");
    expect(updates).toHaveLength(3);
    expect(new Set(updates.map(({ operationId }) => operationId)).size).toBe(1);
  });

  test("a write whose answer is lost, and whose repeat then meets an outage, may have been applied, and says so", async () => {
    const { db, mock } = await service({ maxAttempts: 2 }, [ledger]);
    mock.failNext(failure("CONNECTION_FAILED", "unknown"), { when: "after" });
    mock.failNext(failure("CONNECTION_FAILED"));
    const call = db.update("notes:1", { n: 1 }, { mode: "increment" });
    await expect(call).rejects.toMatchObject({ code: "CONNECTION_FAILED", effect: "unknown" });
    expect(await db.read("notes:1")).toMatchObject({ n: 1 });
  });

  test("a refusal after a lost answer is what it says: the ledger was asked, and knew nothing", async () => {
    const { db, mock } = await service({}, [ledger]);
    mock.failNext(failure("CONNECTION_FAILED", "unknown"));
    mock.failNext(failure("PERMISSION_DENIED"));
    await expect(db.update("notes:1", { n: 1 })).rejects.toMatchObject({ code: "PERMISSION_DENIED", effect: "none" });
  });

  test("with the number of the attempt in the context", async () => {
    const { db, mock } = await service();
    mock.failNext(failure("CONFLICT"), { times: 2 });
    await db.read("notes:1");
    expect(mock.calls.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
  });
});

describe("with an attempt timeout inside", () => {
  const bounded = async (): Promise<Service> => {
    const mock = new MockDatabase();
    const layers = [retryLayer({ backoff: { baseMs: 1, jitter: "none" } }), attemptTimeout({ timeoutMs: 20 })];
    const db = createDatabase({ driver: mock, layers });
    await db.connect();
    await db.create("notes", { n: 0 }, { id: "notes:1" });
    return { db, mock };
  };

  test("a read that hung is read again", async () => {
    const { db, mock } = await bounded();
    mock.hang({ kind: "read" });
    expect(await db.read("notes:1")).toMatchObject({ n: 0 });
  });

  test("a write that hung is not written again, for it may have arrived", async () => {
    const { db, mock } = await bounded();
    mock.hang({ kind: "update", when: "after" });
    const call = db.update("notes:1", { n: 1 }, { mode: "increment" });
    await expect(call).rejects.toMatchObject({ code: "QUERY_TIMEOUT", effect: "unknown" });
    expect(await db.read("notes:1")).toMatchObject({ n: 1 });
  });
});

test.each<[string, object]>([
  ["left out", {}],
  ["undefined", { name: undefined }],
])(
  "where its name is %s its events carry the driver's, and the code, on the same channel as all retries",
  async (_, options) => {
    const events: unknown[] = [];
    const note = (event: unknown): void => void events.push(event);
    channel(CHANNELS.retry).subscribe(note);
    const { db, mock } = await service(options, [], { name: "primary" });
    mock.failNext(failure("CONFLICT"));
    await db.read("notes:1");
    mock.failNext(failure("NOT_FOUND"));
    await db.read("notes:1").catch(() => {});
    channel(CHANNELS.retry).unsubscribe(note);
    expect(events).toEqual([
      { policy: "primary", operation: "read", attempt: 1, delayMs: 1, errorType: "CONFLICT", outcome: "retry" },
      { policy: "primary", operation: "read", attempt: 2, delayMs: 0, errorType: "CONFLICT", outcome: "success" },
    ]);
  },
);

describe("what is not repeated", () => {
  test("a write of unknown effect without the ledger", async () => {
    const { db, mock } = await service();
    mock.failNext(failure("CONNECTION_FAILED"), { when: "after" });
    const call = db.update("notes:1", { n: 1 }, { mode: "increment" });
    await expect(call).rejects.toMatchObject({ code: "CONNECTION_FAILED", effect: "unknown" });
    expect(mock.calls).toHaveLength(1);
  });

  test.each<ErrorCode>(["SERVICE_UNAVAILABLE", "POOL_EXHAUSTED", "CLOSED"])(
    "%s, although nothing was changed and its error calls itself retryable",
    async (code) => {
      const { db, mock } = await service();
      const error = failure(code, "none", true);
      mock.failNext(error);
      await expect(db.read("notes:1")).rejects.toBe(error);
      expect(mock.calls).toHaveLength(1);
    },
  );

  test.each(ERROR_CODES)(
    "%s by its own word: repeated where it is retryable, else given back at once",
    async (code) => {
      const { db, mock } = await service({ maxAttempts: 2 });
      const error = failure(code);
      mock.failNext(error, { times: 2 });
      await expect(db.read("notes:1")).rejects.toBe(error);
      const repeated = error.retryable && !["SERVICE_UNAVAILABLE", "POOL_EXHAUSTED", "CLOSED"].includes(code);
      expect(mock.calls).toHaveLength(repeated ? 2 : 1);
      expect(reportOf(error)).toEqual({
        attempts: repeated ? 2 : 1,
        reason: repeated ? "max-attempts" : "not-retryable",
      });
    },
  );

  test("anything while the database is away: in an outage only the pool waits", async () => {
    const { db, mock } = await service({}, [changed({ whenAway: "fail" })]);
    mock.goAway();
    await expect(db.read("notes:1")).rejects.toMatchObject({ code: "CONNECTION_FAILED", retryable: true });
    expect(mock.calls).toHaveLength(0);
    mock.comeBack();
    mock.failNext(() => {
      mock.goAway();
      return failure("CONFLICT");
    });
    await expect(db.read("notes:1")).rejects.toMatchObject({ code: "CONNECTION_FAILED" });
    expect(mock.calls).toHaveLength(1);
  });

  test("a call whose database went away while it waited: the real error comes back", async () => {
    const { db, mock } = await service({ backoff: { baseMs: 20, jitter: "none" } });
    const error = failure("CONFLICT");
    mock.failNext(error);
    const call = db.read("notes:1");
    setTimeout(() => mock.goAway(), 1);
    await expect(call).rejects.toBe(error);
    expect(mock.calls).toHaveLength(1);
  });

  test("a replay, which passes once: the queue has a back-off of its own", async () => {
    const { db, mock } = await service({}, [replay, ledger]);
    const error = failure("CONFLICT");
    mock.failNext(error);
    await expect(db.update("notes:1", { n: 1 })).rejects.toBe(error);
    expect(mock.calls).toHaveLength(1);
    await db.update("notes:1", { n: 1 });
  });

  test("a transaction: core re-runs it", async () => {
    const { db, mock } = await service();
    const error = failure("CONFLICT");
    mock.failNext(error, { kind: "commit" });
    const work = vi.fn(async () => {});
    await expect(db.transaction(work)).rejects.toBe(error);
    expect(work).toHaveBeenCalledTimes(1);
  });

  test("an error that is no DatabaseError", async () => {
    const odd = Object.assign(new TypeError("a mistake"), { retryable: true });
    let calls = 0;
    const throws = (() => {
      calls += 1;
      return Promise.reject(odd);
    }) as Execute;
    const { db } = await service();
    const host = { driver: new MockDatabase() } as unknown as LayerHost;
    const execute = retryLayer()(throws, host);
    await runCall({ timeoutMs: 50 }, async (context) => {
      const read: Operation = { kind: "read", collection: "notes", id: "notes:1" };
      await expect(execute(read, context)).rejects.toBe(odd);
    });
    expect(calls).toBe(1);
    await db.disconnect();
  });

  test("more than the budget allows, which all services of one layer share", async () => {
    const onGiveUp = vi.fn();
    const budget = { count: vi.fn(), charge: vi.fn(() => undefined) };
    const { db, mock } = await service({ budget, onGiveUp });
    const error = failure("CONFLICT");
    mock.failNext(error);
    await expect(db.read("notes:1")).rejects.toBe(error);
    expect(onGiveUp).toHaveBeenCalledExactlyOnceWith({
      error,
      attempts: 1,
      elapsedMs: expect.any(Number),
      reason: "budget-exhausted",
    });
    expect(budget.count).toHaveBeenCalledTimes(2);
    expect(attemptsOf(error)).toBe(1);
  });
});

describe("the deadline of the call", () => {
  test("is not slept past: the real error comes back at once", async () => {
    const { db, mock } = await service({ backoff: { baseMs: 60_000, capMs: 60_000, jitter: "none" } });
    const error = failure("CONFLICT");
    mock.failNext(error);
    const start = performance.now();
    await expect(db.read("notes:1", { timeoutMs: 30_000 })).rejects.toBe(error);
    expect(performance.now() - start).toBeLessThan(30_000);
    expect(reportOf(error)?.reason).toBe("max-elapsed");
  });

  test("that has passed during an attempt ends the call with what the driver says", async () => {
    const { db, mock } = await service();
    mock.hang();
    await expect(db.read("notes:1", { timeoutMs: 10 })).rejects.toMatchObject({ code: "QUERY_TIMEOUT" });
    expect(mock.calls).toHaveLength(1);
  });

  test("that passes while the loop is busy is heeded after the wait", async () => {
    const { db, mock } = await service({ backoff: { baseMs: 20, capMs: 20, jitter: "none" } });
    const error = failure("CONFLICT");
    mock.failNext(error);
    const call = db.read("notes:1", { timeoutMs: 30 });
    setTimeout(() => {
      const until = performance.now() + 40;
      while (performance.now() < until);
    }, 1);
    await expect(call).rejects.toMatchObject({ effect: "none" });
    expect(mock.calls).toHaveLength(1);
  });
});

describe("an abort", () => {
  test("during the wait settles at once, with CANCELLED and the effect of the attempt before", async () => {
    const { db, mock } = await service({ backoff: { baseMs: 10_000, capMs: 10_000, jitter: "none" } }, [ledger]);
    mock.failNext(failure("CONNECTION_FAILED"), { when: "after" });
    const controller = new AbortController();
    const start = performance.now();
    const call = db.update("notes:1", { n: 1 }, { signal: controller.signal });
    setTimeout(() => controller.abort("enough"), 5);
    await expect(call).rejects.toMatchObject({ code: "CANCELLED", effect: "unknown", cause: "enough" });
    expect(performance.now() - start).toBeLessThan(5_000);
    expect(mock.calls).toHaveLength(1);
  });

  test("by a hook, before the wait has begun, is heeded", async () => {
    const controller = new AbortController();
    const { db, mock } = await service({
      backoff: { baseMs: 10_000, capMs: 10_000, jitter: "none" },
      onRetry: () => controller.abort(),
    });
    mock.failNext(failure("CONFLICT"));
    await expect(db.read("notes:1", { signal: controller.signal })).rejects.toMatchObject({ code: "CANCELLED" });
    expect(mock.calls).toHaveLength(1);
  });

  test("leaves no listener on the signal of the call's context", async () => {
    const { db, mock } = await service();
    const added = vi.spyOn(AbortSignal.prototype, "addEventListener");
    const removed = vi.spyOn(AbortSignal.prototype, "removeEventListener");
    mock.failNext(failure("CONFLICT"), { times: 3 });
    await db.read("notes:1");
    expect(added).toHaveBeenCalledTimes(3);
    expect(removed).toHaveBeenCalledTimes(3);
    added.mockRestore();
    removed.mockRestore();
  });
});

describe("options of the layer", () => {
  test.each<[unknown, string]>([
    [{ maxAttempts: 0 }, "maxAttempts: expected an integer of 1 or more or Infinity, got 0 (number)"],
    [{ maxElapsedMs: 5 }, 'retryLayer: unknown option "maxElapsedMs", expected one of name, maxAttempts'],
    [{ shouldRetry: () => true }, 'retryLayer: unknown option "shouldRetry"'],
  ])("%o are refused", (options, message) => {
    expect(() => retryLayer(options as RetryLayerOptions)).toThrow(message);
  });

  test("the defaults are taken", async () => {
    const mock = new MockDatabase();
    const db = createDatabase({ driver: mock, layers: [retryLayer()] });
    await db.connect();
    mock.failNext(failure("CONFLICT"));
    expect(await db.read("notes:1")).toBeUndefined();
    expect(mock.calls.filter(({ kind }) => kind === "read")).toHaveLength(2);
  });
});
