import { describe, expect, test, vi } from "vitest";
import {
  attemptTimeout,
  createDatabase,
  DatabaseErrorOf,
  type DriverParts,
  defineDriver,
  type Layer,
  logLayer,
} from "../src/index.ts";
import { checkLeaksAfterEach } from "./support/leaks.ts";
import { connected, failure } from "./support/service.ts";

checkLeaksAfterEach();

const boom = (): never => {
  throw new TypeError("secret");
};
/** The hazards, each as what a handler does. */
const hazards: [string, () => unknown][] = [
  ["throws at once", boom],
  ["rejects with an error that is not ours", () => Promise.reject(new TypeError("secret"))],
  ["rejects with text", () => Promise.reject("secret")],
  ["rejects with nothing", () => Promise.reject(undefined)],
  ["returns no promise", () => 5],
  ["returns nothing", () => undefined],
  ["returns null", () => null],
  ["rejects with what throws when looked at", () => Promise.reject(revoked())],
];

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

describe.each(hazards)("a driver that %s", (_name, hazard) => {
  const handler = hazard as () => Promise<never>;
  const parts: Partial<DriverParts> = {
    capabilities: { idempotentWrites: true, transactions: true },
    statements: { create: handler, read: handler },
    begin: handler,
    ping: handler,
    version: handler,
    wasApplied: handler,
  };
  const quiet = { debug: () => {}, warn: () => {}, error: () => {} };

  test.each<[string, readonly Layer[]]>([
    ["without layers", []],
    ["below a log and an attempt's timeout", [logLayer({ logger: quiet }), attemptTimeout()]],
  ])("ends each call as INTERNAL, telling the worst of a write, %s", async (_layers, layers) => {
    const db = await connected(parts, { layers });
    const write = await failure(db.create("notes", {}));
    expect(write).toMatchObject({ code: "INTERNAL", effect: "unknown", retryable: false });
    expect(write.message).not.toContain("secret");
    expect(await failure(db.read("notes:1"))).toMatchObject({ code: "INTERNAL", effect: "none" });
    expect(await failure(db.transaction(async () => {}))).toMatchObject({ code: "INTERNAL" });
    await db.disconnect();
  });

  test("cannot make a health check reject", async () => {
    const db = await connected(parts);
    expect(["healthy", "degraded"]).toContain((await db.healthCheck()).status);
  });
});

test("a driver that throws at once while connecting or closing is a rejection like any other", async () => {
  const driver = { ...defineDriver({ name: "fake", statements: {} }), connect: boom, disconnect: boom };
  const db = createDatabase({ driver });
  expect(await failure(db.connect())).toMatchObject({ code: "INTERNAL" });
  expect(await failure(db.disconnect())).toMatchObject({ code: "INTERNAL" });
});

test("the effect that a driver tells of a write is kept, of a read it is none", async () => {
  const lost = (): Promise<never> =>
    Promise.reject(new DatabaseErrorOf("CONNECTION_FAILED", "gone", {}, { effect: "unknown" }));
  const db = await connected({ statements: { create: lost, read: lost, query: lost } });
  expect(await failure(db.create("notes", {}))).toMatchObject({ code: "CONNECTION_FAILED", effect: "unknown" });
  expect(await failure(db.query("X"))).toMatchObject({ effect: "unknown" });
  expect(await failure(db.read("notes:1"))).toMatchObject({ code: "CONNECTION_FAILED", effect: "none" });
  expect(await failure(db.query("X", {}, { access: "read" }))).toMatchObject({ effect: "none" });
});

describe("a layer", () => {
  const read = async (): Promise<undefined> => undefined;

  test("that throws at once ends the call like one that rejects", async () => {
    const db = await connected({ statements: { read } }, { layers: [() => boom] });
    expect(await failure(db.read("notes:1"))).toMatchObject({ code: "INTERNAL", effect: "none" });
  });

  test("that throws at once inside an attempt's timeout leaves nothing in the timer", async () => {
    const db = await connected({ statements: { read } }, { layers: [attemptTimeout(), () => boom] });
    expect(await failure(db.read("notes:1"))).toMatchObject({ code: "INTERNAL" });
  });

  test("that settles a call twice changes nothing the second time", async () => {
    const double: Layer = () => () =>
      ({
        // biome-ignore lint/suspicious/noThenProperty: a thenable that breaks the rules is what is tested
        then: (resolve: (value: unknown) => void, reject: (reason: unknown) => void) => {
          resolve(undefined);
          reject(new Error("second"));
          resolve(undefined);
        },
      }) as never;
    const db = await connected({ statements: { read } }, { layers: [double] });
    expect(await db.read("notes:1")).toBeUndefined();
    // Were the call counted down twice, this would wait for ever or close too early.
    await db.disconnect();
  });

  test("that runs a call twice is the driver's to answer twice", async () => {
    const runs: unknown[] = [];
    const twice: Layer = (next) => async (operation, context) => {
      await next(operation, context);
      return next(operation, context);
    };
    const db = await connected(
      { statements: { read: async (operation) => void runs.push(operation) as undefined } },
      { layers: [twice] },
    );
    await db.read("notes:1");
    expect(runs).toHaveLength(2);
  });
});

test("a listener of states that throws is reported, and breaks no other listener and no connection", async () => {
  const warn = vi.spyOn(process, "emitWarning").mockReturnValue();
  const driver = defineDriver({ name: "fake", statements: {} });
  const db = createDatabase({ driver });
  const seen: string[] = [];
  driver.onStateChange(boom);
  driver.onStateChange((state) => seen.push(state.name));
  await db.connect();
  await db.disconnect();
  expect(seen).toEqual(["connecting", "connected", "closed"]);
  expect(warn).toHaveBeenCalledWith("a listener of connection states threw (TypeError)", "DatabaseWarning");
  warn.mockRestore();
});
