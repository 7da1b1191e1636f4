import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, describe, expect, test, vi } from "vitest";
import {
  attemptTimeout,
  type ConnectionState,
  ConnectionStatus,
  createDatabase,
  DatabaseErrorOf,
  type DatabaseService,
  type DriverTransaction,
  defineDriver,
  eq,
  type Layer,
  type Logger,
  logLayer,
  mapConcurrent,
  runCall,
  type Statements,
  withTimeout,
} from "../src/index.ts";
import { checkLeaksAfterEach } from "./support/leaks.ts";
import { MemoryStore } from "./support/memory.ts";
import { connected, failure, hang, rejection, service } from "./support/service.ts";

checkLeaksAfterEach();
afterEach(() => vi.restoreAllMocks());

const boom = (): never => {
  throw new TypeError("secret");
};

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

/** A thenable that is answered by one that never is. */
function nested(): Promise<never> {
  return {
    // biome-ignore lint/suspicious/noThenProperty: a thenable that breaks the rules is what is tested
    then: (resolve: (value: unknown) => void) => {
      // biome-ignore lint/suspicious/noThenProperty: the same
      resolve({ then: () => {} });
    },
  } as never;
}

/** Says that it is an error of ours, and throws when it is asked which. */
function impostor(): object {
  return Object.defineProperties(
    {},
    { [Symbol.for("@db/error")]: { value: true }, effect: { get: boom }, code: { get: boom } },
  );
}

describe("a call ends at its deadline", () => {
  test("also where a driver answers with a promise within a promise that never settles", async () => {
    const db = await connected({ statements: { read: nested, create: nested } });
    expect(await failure(db.read("notes:1", { timeoutMs: 10 }))).toMatchObject({
      code: "QUERY_TIMEOUT",
      effect: "none",
    });
    expect(await failure(db.create("notes", {}, { timeoutMs: 10 }))).toMatchObject({ effect: "unknown" });
    expect(await failure(withTimeout(nested, { timeoutMs: 10 }))).toMatchObject({ code: "QUERY_TIMEOUT" });
    await db.disconnect();
  });

  test("also where a driver fails with what only says that it is an error of ours", async () => {
    const fail = (): Promise<never> => Promise.reject(impostor());
    const db = await connected({ statements: { read: fail, create: fail } });
    expect(await failure(db.read("notes:1", { timeoutMs: 50 }))).toMatchObject({ code: "INTERNAL", effect: "none" });
    expect(await failure(db.create("notes", {}, { timeoutMs: 50 }))).toMatchObject({
      code: "INTERNAL",
      effect: "unknown",
    });
    await db.disconnect();
  });
});

describe("whoever traces", () => {
  const watch = (): void => {};
  const channels = ["tracing:db:operation:start", "tracing:db:operation:asyncEnd"];

  async function traced<T>(run: () => Promise<T>): Promise<T> {
    for (const name of channels) subscribe(name, watch);
    try {
      return await run();
    } finally {
      for (const name of channels) unsubscribe(name, watch);
    }
  }

  test("does not turn a write that was done into a failure, whatever its result is", async () => {
    const result = {
      get items(): never {
        return boom();
      },
    };
    const db = await connected({ statements: { create: async () => result as never } });
    expect(await traced(() => db.create("notes", {}))).toBe(result);
  });

  test("leaves nothing behind where a driver cannot say where it is", async () => {
    const driver = Object.defineProperty(defineDriver({ name: "fake", statements: {} }), "target", {
      get: boom,
      configurable: true,
    });
    const getter = vi.spyOn(driver, "target", "get").mockReturnValue(undefined);
    const db = createDatabase({ driver });
    getter.mockRestore();
    await traced(() => rejection(db.read("notes:1")));
    const start = performance.now();
    vi.spyOn(driver, "target", "get").mockReturnValue(undefined);
    await db.disconnect();
    expect(performance.now() - start).toBeLessThan(5_000);
  });
});

describe("a log layer", () => {
  const quiet: Logger = { debug: () => {}, warn: () => {}, error: () => {} };

  test.each<[string, unknown]>([
    ["that throws when it is looked at", revoked()],
    ["whose name cannot be read", Object.defineProperty(new Error("x"), "name", { get: boom })],
  ])("hands on an error of a transaction's work %s", async (_name, thrown) => {
    const db = await connected(new MemoryStore().parts(), { layers: [logLayer({ logger: quiet })] });
    const work = async (): Promise<never> => {
      throw thrown;
    };
    const isSame = db.transaction(work).catch((got: unknown) => Object.is(got, thrown));
    expect(await isSame).toBe(true);
  });

  test("makes no unhandled rejection of a logger that is asynchronous, and reports it once", async () => {
    const warn = vi.spyOn(process, "emitWarning").mockReturnValue();
    const late = async (): Promise<void> => boom();
    const logger = { debug: late, warn: late, error: late };
    const db = await connected(new MemoryStore().parts(), { layers: [logLayer({ logger })] });
    await db.read("notes:1");
    await db.read("notes:1");
    await wait(1);
    expect(warn).toHaveBeenCalledTimes(1);
  });

  test("tells of a driver's own fault at error: nobody's input brought it about", async () => {
    const error = vi.fn();
    const db = await connected({ statements: { read: boom } }, { layers: [logLayer({ logger: { ...quiet, error } })] });
    await failure(db.read("notes:1"));
    expect(error).toHaveBeenCalledWith(expect.objectContaining({ error: "TypeError" }), "database call failed");
  });
});

describe("a listener of states", () => {
  const states = (status: ConnectionStatus): string[] => {
    const seen: string[] = [];
    status.onStateChange((state) => seen.push(state.name));
    return seen;
  };

  test("that throws what cannot be looked at stops no news", () => {
    vi.spyOn(process, "emitWarning").mockReturnValue();
    const status = new ConnectionStatus();
    status.onStateChange(() => {
      throw revoked();
    });
    const seen = states(status);
    status.set({ name: "connecting", since: 0 });
    status.set({ name: "closed" });
    expect(seen).toEqual(["connecting", "closed"]);
  });

  test("that subscribes anew whenever it is told is told once of each", () => {
    const status = new ConnectionStatus();
    let told = 0;
    let off = (): void => {};
    const again = (): void => {
      told += 1;
      if (told > 5) throw new Error("told again and again");
      off();
      off = status.onStateChange(again);
    };
    off = status.onStateChange(again);
    status.set({ name: "closed" });
    expect(told).toBe(1);
  });

  test("that was left while another is told hears no more", () => {
    const status = new ConnectionStatus();
    const second = vi.fn();
    let off = (): void => {};
    status.onStateChange(() => off());
    off = status.onStateChange(second);
    status.set({ name: "closed" });
    expect(second).not.toHaveBeenCalled();
  });

  test("that subscribed twice is told until it has left twice", () => {
    const status = new ConnectionStatus();
    const listener = vi.fn<(state: ConnectionState) => void>();
    const off = status.onStateChange(listener);
    status.onStateChange(listener);
    off();
    status.set({ name: "closed" });
    expect(listener).toHaveBeenCalledTimes(1);
  });
});

test("a connect that was given up says nothing any more of the connection that came after it", async () => {
  const dials: PromiseWithResolvers<void>[] = [];
  const db = service({
    statements: { read: async () => undefined },
    connect: () => {
      const dial = Promise.withResolvers<void>();
      dials.push(dial);
      return dial.promise;
    },
  });
  expect(await failure(db.connect({ timeoutMs: 10 }))).toMatchObject({ code: "QUERY_TIMEOUT" });
  const second = db.connect();
  dials[1]?.resolve();
  await second;
  dials[0]?.reject(new Error("late"));
  await wait(1);
  expect(db.state.name).toBe("connected");
  await db.read("notes:1");
});

describe("a transaction", () => {
  const statements = {} as DriverTransaction["statements"];

  test("tells the error of its work in time, also where the rollback outlives the deadline", async () => {
    const undone = Promise.withResolvers<void>();
    const db = await connected({
      capabilities: { transactions: true },
      begin: async () => ({ statements, commit: async () => {}, rollback: () => undone.promise }),
    });
    const own = new Error("from the work");
    const work = async (): Promise<never> => {
      throw own;
    };
    expect(await rejection(db.transaction(work, { timeoutMs: 30 }))).toBe(own);
    undone.resolve();
    await db.disconnect();
  });

  test("that the driver has not begun by the deadline has changed nothing, and is undone when it begins late", async () => {
    const begun = Promise.withResolvers<DriverTransaction>();
    const rolledBack = Promise.withResolvers<void>();
    const db = await connected({ capabilities: { transactions: true }, begin: () => begun.promise });
    const work = vi.fn();
    expect(await failure(db.transaction(work, { timeoutMs: 10 }))).toMatchObject({
      code: "QUERY_TIMEOUT",
      effect: "none",
    });
    begun.resolve({ statements, commit: async () => {}, rollback: async () => rolledBack.resolve() });
    await rolledBack.promise;
    await db.disconnect();
    expect(work).not.toHaveBeenCalled();
  });
});

test("an attempt that nobody waits for any more keeps no process alive", async () => {
  const db: DatabaseService = await connected({ statements: { read: hang } }, { layers: [attemptTimeout()] });
  const caller = new AbortController();
  const read = failure(db.read("notes:1", { signal: caller.signal }));
  caller.abort();
  expect(await read).toMatchObject({ code: "CANCELLED" });
  // Checked after each test: nothing is left in a timer.
});

test("a layer's limit that is no number is refused, not taken for none", async () => {
  const layer: Layer = (next) => (operation, context) =>
    context.within({ timeoutMs: Number.NaN }, (inner) => next(operation, inner));
  const db = await connected({ statements: { read: async () => undefined } }, { layers: [layer] });
  expect(await failure(db.read("notes:1"))).toMatchObject({ code: "INTERNAL" });
});

describe("a statement of a transaction", () => {
  const hanging = async (): Promise<DriverTransaction> => ({
    statements: { read: hang, create: hang } as never,
    commit: async () => {},
    rollback: async () => {},
  });

  test("ends at its own limit, also where the driver does not listen, and nothing is committed over it", async () => {
    const db = await connected({ capabilities: { transactions: true }, begin: hanging });
    let seen: unknown;
    const work = async (tx: Statements): Promise<void> => {
      seen = await failure(tx.create("notes", {}, { timeoutMs: 10 }));
    };
    expect(await failure(db.transaction(work))).toMatchObject({ code: "TRANSACTION_ROLLED_BACK" });
    expect(seen).toMatchObject({ code: "QUERY_TIMEOUT", effect: "none", facts: { timeoutMs: 10 } });
    await db.disconnect();
  });

  test("ends with its transaction, so that the work can clean up behind itself", async () => {
    const db = await connected({ capabilities: { transactions: true }, begin: hanging });
    const cleaned = Promise.withResolvers<unknown>();
    const work = async (tx: Statements): Promise<void> => {
      cleaned.resolve(await failure(tx.read("notes:1")));
    };
    expect(await failure(db.transaction(work, { timeoutMs: 10 }))).toMatchObject({ code: "QUERY_TIMEOUT" });
    expect(await cleaned.promise).toMatchObject({ code: "QUERY_TIMEOUT", effect: "none" });
    await db.disconnect();
  });
});

test("a write of a transaction that may have been done is not told as undone and then committed", async () => {
  const rows: string[] = [];
  const commit = vi.fn(async () => {});
  const db = await connected({
    capabilities: { transactions: true },
    begin: async () => ({
      statements: {
        create: async (operation: { readonly id: string }) => {
          rows.push(operation.id);
          throw new DatabaseErrorOf("CONNECTION_FAILED", "gone", {}, { effect: "unknown" });
        },
      } as never,
      commit,
      rollback: async () => void rows.pop(),
    }),
  });
  const work = async (tx: Statements): Promise<void> => {
    expect(await failure(tx.create("notes", {}))).toMatchObject({ code: "CONNECTION_FAILED", effect: "none" });
  };
  expect(await failure(db.transaction(work))).toMatchObject({ code: "TRANSACTION_ROLLED_BACK", effect: "none" });
  expect([rows, commit.mock.calls]).toEqual([[], []]);
});

test("a driver that cannot tell its own values fails the call, not the caller", async () => {
  class Own {}
  const value = new Own() as never;
  const db = await connected({ ...new MemoryStore().parts(), ownsValue: boom });
  expect(await failure(db.create("notes", { value }))).toMatchObject({ code: "INTERNAL", effect: "none" });
  expect(await failure(db.count("notes", eq("a", value)))).toMatchObject({ code: "INTERNAL", effect: "none" });
  const inside = db.transaction((tx) => failure(tx.create("notes", { value })));
  expect(await inside).toMatchObject({ code: "INTERNAL", effect: "none" });
});

describe("a signal that is none is told as such, and waits for nobody's deadline to fail", () => {
  const signal = { aborted: false } as AbortSignal;

  test.each<[string, () => Promise<unknown>]>([
    ["runCall", async () => runCall({ timeoutMs: 20, signal }, hang)],
    ["withTimeout", () => withTimeout(hang, { timeoutMs: 20, signal })],
    ["mapConcurrent", () => mapConcurrent([1], hang, { signal })],
  ])("%s", async (_name, call) => {
    expect(await rejection(call())).toMatchObject({ message: "signal: expected an AbortSignal, got Object" });
  });
});
