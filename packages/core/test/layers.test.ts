import { describe, expect, test } from "vitest";
import {
  type CallContext,
  dispatch,
  type Execute,
  type Handlers,
  isWrite,
  type Kind,
  type Layer,
  type Operation,
  override,
  runCall,
  seen,
} from "../src/index.ts";
import { checkLeaksAfterEach } from "./support/leaks.ts";
import { MemoryStore } from "./support/memory.ts";
import { connected, failure, hang } from "./support/service.ts";

checkLeaksAfterEach();

describe("layers", () => {
  test("stand in the order they are listed: the first is outermost", async () => {
    const order: string[] = [];
    const named =
      (name: string): Layer =>
      (next) =>
      async (operation, context) => {
        order.push(`${name} in`);
        const result = await next(operation, context);
        order.push(`${name} out`);
        return result;
      };
    const db = await connected(
      { statements: { read: async () => void order.push("driver") as undefined } },
      { layers: [named("a"), named("b")] },
    );
    await db.read("notes:1");
    expect(order).toEqual(["a in", "b in", "driver", "b out", "a out"]);
  });

  test("may answer themselves, pass on what they do not know, and change the facts for those below", async () => {
    const contexts: CallContext[] = [];
    const cache: Layer = (next) => override(next, { read: async ({ id }) => ({ id, cached: true }) });
    const mark: Layer = (next) => (operation, context) => next(operation, context.with({ attempt: 2, ledger: true }));
    const count = async (_operation: Operation, context: CallContext): Promise<number> => contexts.push(context);
    const db = await connected(
      { statements: { count }, capabilities: { idempotentWrites: true } },
      { layers: [cache, mark] },
    );
    expect(await db.read("notes:1")).toEqual({ id: "notes:1", cached: true });
    expect(await db.count("notes")).toBe(1);
    expect(contexts[0]).toMatchObject({ attempt: 2, ledger: true, origin: "call", whenAway: "wait" });
  });

  test("see one operation id in every attempt, made when first asked for", async () => {
    const ids: string[] = [];
    const thrice: Layer = (next) => async (operation, context) => {
      await next(operation, context.with({ attempt: 1 }));
      await next(operation, context.with({ attempt: 2 }));
      return context.within({ timeoutMs: 50 }, (inner) => next(operation, inner));
    };
    const db = await connected(
      { statements: { read: async (_operation, { operationId }) => void ids.push(operationId) as undefined } },
      { layers: [thrice] },
    );
    await db.read("notes:1");
    expect(ids).toHaveLength(3);
    expect(new Set(ids).size).toBe(1);
    await db.read("notes:1");
    expect(new Set(ids).size).toBe(2);
  });

  test("may put another signal in the place of the call's for those below", async () => {
    const controller = new AbortController();
    const own: Layer = (next) => (operation, context) => next(operation, context.with({ signal: controller.signal }));
    const got: CallContext[] = [];
    const db = await connected(
      { statements: { read: async (_operation, context) => void got.push(context) as undefined } },
      { layers: [own] },
    );
    await db.read("notes:1");
    expect(got[0]?.signal).toBe(controller.signal);
    controller.abort();
    expect(got[0]?.aborted).toBe(true);
  });

  test("that skip a transaction's work cannot make it a success", async () => {
    const store = new MemoryStore();
    const skip: Layer = (next) => override(next, { transaction: async () => {} });
    const db = await connected(store.parts(), { layers: [skip] });
    expect(await failure(db.transaction(async () => 5))).toMatchObject({ code: "INTERNAL" });
  });
});

describe("dispatch and override", () => {
  const kinds: Kind[] = ["create", "read", "update", "delete", "find", "count", "query", "transaction"];
  const called: string[] = [];
  const answer = (kind: string) => async (): Promise<never> => void called.push(kind) as never;
  const handlers = Object.fromEntries(kinds.map((kind) => [kind, answer(kind)])) as unknown as Handlers;
  const run = (execute: Execute, kind: Kind): Promise<unknown> => execute({ kind } as never, {} as CallContext);

  test("each kind has its own handler", async () => {
    called.length = 0;
    for (const kind of kinds) await run(dispatch(handlers), kind);
    expect(called).toEqual(kinds);
  });

  test("what is not overridden goes on", async () => {
    called.length = 0;
    const layered = override(dispatch(handlers), { read: answer("own read") });
    for (const kind of kinds) await run(layered, kind);
    expect(called).toEqual(kinds.map((kind) => (kind === "read" ? "own read" : kind)));
  });

  test("seen is the operation itself, for a switch to narrow", () => {
    const operation = { kind: "read", collection: "notes", id: "notes:1" } as const;
    expect(seen<"read">(operation)).toBe(operation);
  });

  test.each<[Partial<Operation>, boolean]>([
    [{ kind: "create" }, true],
    [{ kind: "update" }, true],
    [{ kind: "delete" }, true],
    [{ kind: "transaction" }, true],
    [{ kind: "query", access: "write" }, true],
    [{ kind: "query", access: "read" }, false],
    [{ kind: "read" }, false],
    [{ kind: "find" }, false],
    [{ kind: "count" }, false],
  ])("%o may change data: %o", (operation, writes) => {
    expect(isWrite(operation as Operation)).toBe(writes);
  });
});

describe("runCall, for those who call a driver without the façade", () => {
  test("gives work a context with the facts it was told", async () => {
    const scope = { namespace: "n", database: "d" };
    const facts = { operationId: "op", attempt: 3, origin: "replay", ledger: true, scope } as const;
    await runCall({ timeoutMs: 50, ...facts }, async (context) => {
      expect(context).toMatchObject({ ...facts, whenAway: "wait" });
    });
  });

  test("ends it by its timeout or signal, with the effect that was named for the worst", async () => {
    const late = await failure(runCall({ timeoutMs: 5, lost: "unknown" }, hang));
    expect(late).toMatchObject({ code: "QUERY_TIMEOUT", effect: "unknown", facts: { timeoutMs: 5 } });
    const signal = AbortSignal.abort("gone");
    expect(await failure(runCall({ timeoutMs: 50, signal }, hang))).toMatchObject({ code: "CANCELLED", cause: "gone" });
  });

  test("refuses a timeout that is none", () => {
    expect(() => runCall({ timeoutMs: -1 }, hang)).toThrow("timeoutMs: expected a number of milliseconds");
  });
});
