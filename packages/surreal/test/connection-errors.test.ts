import { type CallContext, DatabaseErrorOf, runCall } from "@db/core";
import { PoolError, type PoolErrorCode, type PoolFacts, type PoolState } from "@db/pool";
import { describe, expect, test } from "vitest";
import { acquireError, classOf, connectionError } from "../src/connection-errors.ts";

const CONNECTED: PoolState = { name: "connected", since: 0 };
const refused = new DatabaseErrorOf("CONNECTION_FAILED", "refused", {});
const wrong = new DatabaseErrorOf("AUTHENTICATION_FAILED", "wrong", {});

function failed(unavailableInMs: number): PoolState {
  const now = performance.now();
  return {
    name: "failed",
    since: now,
    error: refused,
    permanent: false,
    nextAttemptAt: now,
    unavailableAt: now + unavailableInMs,
  };
}

function poolError(code: PoolErrorCode, more: { state?: PoolState["name"]; cause?: unknown } = {}): PoolError {
  const facts = more.state === undefined ? {} : { facts: { state: more.state } as PoolFacts };
  return new PoolError(code, code, { retryAfterMs: 70, cause: more.cause, ...facts });
}

/** A context, with its call over or not. */
function inContext<T>(work: (context: CallContext) => T, signal?: AbortSignal): Promise<T> {
  return runCall({ timeoutMs: 10_000 }, async (context) =>
    work(signal === undefined ? context : context.with({ signal })),
  );
}

describe("why a call got no connection", () => {
  test.each([
    ["a line that was too slow", poolError("ACQUIRE_TIMEOUT", { state: "connected" }), CONNECTED, "POOL_EXHAUSTED"],
    ["a line in an outage", poolError("ACQUIRE_TIMEOUT", { state: "failed" }), failed(1_000), "CONNECTION_FAILED"],
    ["a line that is full", poolError("POOL_FULL"), CONNECTED, "POOL_EXHAUSTED"],
    ["an outage that is young", poolError("POOL_UNAVAILABLE"), failed(1_000), "CONNECTION_FAILED"],
    ["an outage that lasts", poolError("POOL_UNAVAILABLE"), failed(-1), "SERVICE_UNAVAILABLE"],
    ["what waiting cannot cure", poolError("CREATE_FAILED", { cause: wrong }), failed(1_000), "AUTHENTICATION_FAILED"],
    ["what nobody knows", poolError("CREATE_FAILED", { cause: new Error("odd") }), failed(1_000), "INTERNAL"],
    ["a pool that is closed", poolError("POOL_CLOSED"), { name: "closed" }, "CLOSED"],
    ["a lease that is over", poolError("LEASE_RELEASED"), CONNECTED, "INTERNAL"],
    ["an error of ours", refused, CONNECTED, "CONNECTION_FAILED"],
  ] as const)("%s", async (_, thrown, state, code) => {
    const error = await inContext((context) => acquireError(thrown, context, state));
    expect([error.code, error.effect]).toEqual([code, "none"]);
    if (error.code === "SERVICE_UNAVAILABLE") expect(error.facts.retryAfterMs).toBe(70);
  });

  test("a deadline in an outage tells of the outage; elsewhere, and for a cancelled call, it tells of itself", async () => {
    const late = AbortSignal.abort(
      new DatabaseErrorOf("QUERY_TIMEOUT", "late", { timeoutMs: 9 }, { effect: "unknown" }),
    );
    const left = AbortSignal.abort(new DatabaseErrorOf("CANCELLED", "left", {}));
    const of = (signal: AbortSignal, state: PoolState) =>
      inContext((context) => acquireError(signal.reason, context, state), signal);
    expect(await of(late, failed(1_000))).toMatchObject({ code: "CONNECTION_FAILED", effect: "none", cause: refused });
    expect(await of(late, CONNECTED)).toMatchObject({ code: "QUERY_TIMEOUT", effect: "none" });
    expect(await of(left, failed(1_000))).toMatchObject({ code: "CANCELLED", effect: "none" });
  });
});

describe("why there is no connection", () => {
  test.each([
    ["ECONNREFUSED", true, "transient"],
    ["ENOTFOUND", true, "transient"],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", false, "permanent"],
    ["ERR_TLS_CERT_ALTNAME_INVALID", false, "permanent"],
    ["CERT_HAS_EXPIRED", false, "permanent"],
  ])("%s", (code, retryable, kind) => {
    const error = connectionError(Object.assign(new Error("secret"), { code }), "wss://host");
    expect(error).toMatchObject({ code: "CONNECTION_FAILED", effect: "none", retryable });
    expect(error.message).toBe(`cannot connect to wss://host (${code}); see cause`);
    expect(classOf(error)).toBe(kind);
  });

  test("what is no error of Node's is waited for, and a refusal of ours goes as it is", () => {
    expect(connectionError("odd", "ws://host")).toMatchObject({ code: "CONNECTION_FAILED", retryable: true });
    expect(connectionError(wrong, "ws://host")).toBe(wrong);
    expect([classOf(wrong), classOf(new Error("any")), classOf(refused)]).toEqual([
      "permanent",
      "transient",
      "transient",
    ]);
  });
});
