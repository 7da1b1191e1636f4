import { type CallContext, DatabaseErrorOf, runCall } from "@db/core";
import { afterEach, describe, expect, test } from "vitest";
import { Ledger } from "../src/ledger.ts";
import { FakeSession } from "./support/fake-session.ts";

const ledgers: Ledger[] = [];
afterEach(() => {
  for (const ledger of ledgers.splice(0)) ledger.close();
});

function open(answer: () => unknown): { readonly ledger: Ledger; readonly session: FakeSession } {
  const session = new FakeSession(answer);
  const ledger = new Ledger(session, { operation: async () => () => {} }, 604_800_000);
  ledgers.push(ledger);
  return { ledger, session };
}

const call = <T>(work: (context: CallContext) => Promise<T>, timeoutMs = 5_000, database?: string): Promise<T> =>
  runCall({ timeoutMs, scope: database === undefined ? undefined : { namespace: "n", database } }, work);

describe("the ledger's table", () => {
  test("is defined once for each place, however many begin at once", async () => {
    const { ledger, session } = open(() => undefined);
    const ready = (database?: string): Promise<void> => call((context) => ledger.ready(context), 5_000, database);
    await Promise.all(Array.from({ length: 50 }, () => ready()));
    expect(session.asked).toHaveLength(1);
    await Promise.all([ready("a"), ready("b"), ready("a"), ready()]);
    expect(session.asked).toHaveLength(3);
  });

  test("is defined again after a conflict, by whoever began", async () => {
    let conflicts = 3;
    const { ledger, session } = open(() => {
      conflicts -= 1;
      if (conflicts >= 0) throw new DatabaseErrorOf("CONFLICT", "another was first", {});
    });
    await Promise.all([call((context) => ledger.ready(context)), call((context) => ledger.ready(context))]);
    expect(session.asked).toHaveLength(4);
  });

  test("that one could not define is tried by the next in the line, who does not get that one's error", async () => {
    const first = Promise.withResolvers<void>();
    let calls = 0;
    const { ledger } = open(() => {
      calls += 1;
      return calls === 1 ? first.promise : undefined;
    });
    const failing = call((context) => ledger.ready(context));
    const next = call((context) => ledger.ready(context));
    first.reject(new DatabaseErrorOf("CONNECTION_FAILED", "away", {}));
    await expect(failing).rejects.toMatchObject({ code: "CONNECTION_FAILED" });
    await next;
    expect(calls).toBe(2);
  });

  test("holds up nobody beyond his own deadline", async () => {
    const { ledger } = open(() => new Promise(() => {}));
    const forever = call((context) => ledger.ready(context), 300);
    const impatient = call((context) => ledger.ready(context), 20);
    await expect(impatient).rejects.toMatchObject({ code: "QUERY_TIMEOUT", effect: "none" });
    await expect(forever).rejects.toMatchObject({ code: "QUERY_TIMEOUT", effect: "none" });
  });

  test("that may not be defined is refused to each", async () => {
    const { ledger } = open(() => {
      throw new DatabaseErrorOf("PERMISSION_DENIED", "no", {});
    });
    for (let n = 0; n < 2; n += 1)
      await expect(call((context) => ledger.ready(context))).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
  });
});
