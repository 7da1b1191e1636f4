import { describe, expect, test } from "vitest";
import {
  attemptTimeout,
  bulkCreate,
  createDatabase,
  type DatabaseOptions,
  defineDriver,
  logLayer,
  mapConcurrent,
  stream,
  VersionChecker,
  withTimeout,
} from "../src/index.ts";
import { describe as describeValue } from "../src/options.ts";
import { rejection } from "./support/service.ts";

const driver = defineDriver({ name: "fake", statements: {} });
const logger = { debug: () => {}, warn: () => {}, error: () => {} };

describe("a wrong option is told at construction as what was expected and what came", () => {
  test.each<[object, string]>([
    [{}, "driver: expected a Driver, got undefined"],
    [{ driver: null }, "driver: expected a Driver, got null"],
    [{ driver: {} }, "driver: expected a Driver, got Object"],
    [{ driver, layers: "retry" }, "layers: expected an array of functions, got string"],
    [{ driver, layers: [5] }, "layers: expected an array of functions, got an array"],
    [{ driver, timeoutMs: 0 }, "timeoutMs: expected a number of milliseconds in 1..2147483647, got 0 (number)"],
    [{ driver, timeoutMs: "5" }, "timeoutMs: expected a number of milliseconds in 1..2147483647, got string"],
    [{ driver, timeoutMs: Number.NaN }, "got NaN (number)"],
    [{ driver, timeoutMs: 2 ** 31 }, "got 2147483648 (number)"],
    [{ driver, startupMaxWaitMs: -1 }, "startupMaxWaitMs: expected a number of milliseconds"],
    [{ driver, timeoutMS: 5 }, 'unknown option "timeoutMS", expected one of driver, layers, timeoutMs'],
  ])("createDatabase(%o)", (options, message) => {
    expect(() => createDatabase(options as DatabaseOptions)).toThrow(TypeError);
    expect(() => createDatabase(options as DatabaseOptions)).toThrow(message);
  });

  test.each<[() => unknown, string]>([
    [() => attemptTimeout({ timeoutMs: -1 }), "timeoutMs: expected a number of milliseconds"],
    [() => attemptTimeout({ timeout: 1 } as object), 'attemptTimeout: unknown option "timeout"'],
    [() => logLayer({ logger: {} as never }), "logger.debug: expected a function, got undefined"],
    [() => logLayer({} as never), "logger.debug: expected a function, got undefined"],
    [() => logLayer({ logger, slowMs: 0 }), "slowMs: expected a number of milliseconds"],
    [() => logLayer({ logger, slow: 1 } as never), 'logLayer: unknown option "slow"'],
    [() => new VersionChecker({ range: "not a range" }), "range: expected a semver range, got string"],
    [() => new VersionChecker({ range: "1", tested: ["?"] }), "tested: expected a semver range"],
    [() => new VersionChecker({ range: "1", prerelease: true } as never), 'unknown option "prerelease"'],
  ])("%s", (construct, message) => {
    expect(construct).toThrow(TypeError);
    expect(construct).toThrow(message);
  });

  test.each<[() => Promise<unknown>, string]>([
    [() => mapConcurrent([], async () => {}, { concurrency: 0 }), "concurrency: expected an integer in 1..10000"],
    [() => mapConcurrent([], async () => {}, { limit: 2 } as object), 'mapConcurrent: unknown option "limit"'],
    [() => bulkCreate({} as never, "notes", [], { atomically: true } as object), 'unknown option "atomically"'],
    [() => stream({} as never, "notes", {}, { pageSize: 0 }).next(), "pageSize: expected an integer in 1..10000"],
    [() => stream({} as never, "notes", {}, { size: 5 } as object).next(), 'stream: unknown option "size"'],
    [() => withTimeout(async () => {}, { timeoutMs: 0 }), "timeoutMs: expected a number of milliseconds"],
    [() => withTimeout(async () => {}, { timeoutMs: 1, sginal: 1 } as never), 'withTimeout: unknown option "sginal"'],
  ])("%s", async (run, message) => {
    const thrown = await rejection(run());
    expect(thrown).toBeInstanceOf(TypeError);
    expect(String(thrown)).toContain(message);
  });
});

describe("how a value is named in a message", () => {
  test.each<[unknown, string]>([
    [null, "null"],
    [undefined, "undefined"],
    [5, "5 (number)"],
    [false, "false (boolean)"],
    ["secret", "string"],
    [5n, "bigint"],
    [() => {}, "function"],
    [["secret"], "an array"],
    [{ secret: 1 }, "Object"],
    [new Date(), "Date"],
    [Object.create(null), "an object"],
    [new (class {})(), "an object"],
  ])("%o", (value, name) => {
    expect(describeValue(value)).toBe(name);
  });

  test("input that has a constructor of its own can neither write into the message nor break it", () => {
    expect(describeValue(JSON.parse('{"constructor":{"name":"secret"}}'))).toBe("Object");
    expect(describeValue(JSON.parse('{"constructor":{"name":{"toString":1,"valueOf":1}}}'))).toBe("Object");
    expect(describeValue(JSON.parse('{"constructor":null}'))).toBe("Object");
  });
});
