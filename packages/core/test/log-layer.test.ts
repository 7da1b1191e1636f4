import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  createDatabase,
  DatabaseErrorOf,
  type DatabaseService,
  type DriverParts,
  defineDriver,
  ERROR_CODES,
  type ErrorCode,
  type Logger,
  type LogLayerOptions,
  logLayer,
} from "../src/index.ts";
import { checkLeaksAfterEach } from "./support/leaks.ts";
import { MemoryStore } from "./support/memory.ts";
import { rejection } from "./support/service.ts";

checkLeaksAfterEach();

interface Line {
  readonly level: string;
  readonly facts: { readonly [name: string]: unknown };
  readonly message: string;
}

function logger(): Logger & { readonly lines: Line[] } {
  const lines: Line[] = [];
  const note = (level: string) => (facts: object, message: string) =>
    void lines.push({ level, facts: facts as Line["facts"], message });
  return { lines, debug: note("debug"), warn: note("warn"), error: note("error") };
}

async function open(parts: Partial<DriverParts>, options: LogLayerOptions): Promise<DatabaseService> {
  const driver = defineDriver({ name: "fake", statements: {}, ...parts });
  const db = createDatabase({ driver, layers: [logLayer(options)] });
  await db.connect();
  return db;
}

describe("a line", () => {
  test("tells the operation, its collection, its id and how long it took", async () => {
    const log = logger();
    const db = await open(new MemoryStore().parts(), { logger: log });
    await db.create("notes", {}, { operationId: "op" });
    await db.query("X");
    expect(log.lines).toEqual([
      {
        level: "debug",
        message: "database call",
        facts: {
          operation: "create",
          collection: "notes",
          operationId: "op",
          attempt: 1,
          durationMs: expect.any(Number),
        },
      },
      {
        level: "debug",
        message: "database call",
        facts: { operation: "query", operationId: expect.any(String), attempt: 1, durationMs: expect.any(Number) },
      },
    ]);
  });

  test.each(ERROR_CODES)(
    "of a failure with %s tells code, effect and whether to try again",
    async (code: ErrorCode) => {
      const log = logger();
      const error = new DatabaseErrorOf(code, "SECRET text", {} as never, { effect: "unknown", retryable: true });
      const db = await open({ statements: { create: () => Promise.reject(error) } }, { logger: log });
      expect(await rejection(db.create("notes", {}))).toBe(error);
      const expectedOnes = [
        "CANCELLED",
        "CONFLICT",
        "PRECONDITION_FAILED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "UNIQUE_VIOLATION",
        "FIELD_VIOLATION",
        "VALIDATION_FAILED",
        "INVALID_RECORD_ID",
        "INVALID_QUERY",
        "UNSUPPORTED",
      ];
      expect(log.lines).toHaveLength(1);
      expect(log.lines[0]).toMatchObject({
        level: expectedOnes.includes(code) ? "debug" : "error",
        message: "database call failed",
        facts: { code, effect: "unknown", retryable: true },
      });
    },
  );

  test("of a driver that throws at once is written too", async () => {
    const log = logger();
    const boom = (): never => {
      throw new TypeError("SECRET");
    };
    const db = await open({ statements: { read: boom } }, { logger: log });
    await rejection(db.read("notes:1"));
    expect(log.lines).toMatchObject([{ facts: { error: "TypeError" } }]);
  });

  test("of a transaction's own error tells its name alone, at debug", async () => {
    const log = logger();
    const db = await open(new MemoryStore().parts(), { logger: log });
    await rejection(db.transaction(() => Promise.reject(new RangeError("SECRET"))));
    await rejection(db.transaction(() => Promise.reject("SECRET")));
    expect(log.lines).toMatchObject([
      { level: "debug", facts: { operation: "transaction", error: "RangeError" } },
      { level: "debug", facts: { operation: "transaction", error: "string" } },
    ]);
  });
});

describe("a slow call", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test.each([
    [undefined, 999, "debug"],
    [undefined, 1_000, "warn"],
    [50, 49, "debug"],
    [50, 50, "warn"],
  ])("with slowMs %o, after %o ms, is a %s", async (slowMs, tookMs, level) => {
    const log = logger();
    const read = (): Promise<undefined> => new Promise((resolve) => setTimeout(resolve, tookMs, undefined));
    const options = slowMs === undefined ? { logger: log } : { logger: log, slowMs };
    const reading = (await open({ statements: { read } }, options)).read("notes:1");
    await vi.advanceTimersByTimeAsync(tookMs);
    await reading;
    expect(log.lines).toMatchObject([{ level, facts: { durationMs: tookMs } }]);
  });
});

test("no value, id, parameter, cursor or text of the database ever stands in a line", async () => {
  const marked = fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 20 }).map((text) => `SECRET${text}`);
  await fc.assert(
    fc.asyncProperty(marked, fc.boolean(), async (secret, fails) => {
      const log = logger();
      const store = new MemoryStore();
      const parts = store.parts();
      const error = new DatabaseErrorOf("UNIQUE_VIOLATION", secret, { index: secret }, { cause: new Error(secret) });
      const failing = Object.fromEntries(
        Object.keys(parts.statements).map((kind) => [kind, () => Promise.reject(error)]),
      );
      const db = await open(fails ? { ...parts, statements: failing } : parts, { logger: log, slowMs: 0.000_001 });
      const id = `notes:${secret}`;
      const calls = [
        () => db.create("notes", { [secret]: secret }, { id }),
        () => db.update(id, { a: [secret] }, { expect: { [secret]: secret } }),
        () => db.read(id),
        () => db.find("notes", { where: { op: "eq", path: [secret], value: secret }, order: [[secret, "asc"]] }),
        () => db.count("notes", { op: "contains", path: ["a"], value: secret }),
        () => db.query(`SELECT ${secret}`, { p: secret }),
        () => db.delete(id),
        () => db.transaction(() => Promise.reject(new Error(secret))),
      ];
      for (const call of calls) await call().catch(() => {});
      expect(log.lines).toHaveLength(calls.length);
      expect(JSON.stringify(log.lines)).not.toContain("SECRET");
    }),
    { numRuns: 30 },
  );
});

describe("a logger", () => {
  test("that says no to debug is not even handed the line of a success", async () => {
    const log = logger();
    const quiet: Logger = { ...log, isLevelEnabled: (level) => level !== "debug" };
    await (await open({ statements: { read: async () => undefined } }, { logger: quiet })).read("notes:1");
    expect(log.lines).toEqual([]);
  });

  test.each<[string, Partial<Logger>]>([
    ["in a line", { debug: fails }],
    ["when asked for its level", { isLevelEnabled: fails }],
  ])("that throws %s breaks no call and is reported once", async (_where, broken) => {
    const warn = vi.spyOn(process, "emitWarning").mockReturnValue();
    const db = await open({ statements: { read: async () => undefined } }, { logger: { ...logger(), ...broken } });
    for (let count = 0; count < 3; count += 1) expect(await db.read("notes:1")).toBeUndefined();
    expect(warn.mock.calls).toEqual([["the logger of logLayer threw (Error)", "DatabaseWarning"]]);
    warn.mockRestore();
  });
});

function fails(): never {
  throw Object.create(Error.prototype);
}
