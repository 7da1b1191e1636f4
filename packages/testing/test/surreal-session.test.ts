import { CborCodec } from "surrealdb";
import { describe, expect, test } from "vitest";
import { GatedSession } from "../src/surreal-session.ts";

const codec = new CborCodec({});
const OK = Buffer.from(codec.encode(undefined));
const FAILED = Buffer.from(codec.encode({ error: { cause: undefined, code: 0, kind: "Internal", message: "no" } }));
const messageOf = (answer: Buffer): string => codec.decode<{ error: { message: string } }>(answer).error.message;

/** Requests that note when they begin, and end when they are told to. */
function script(session: GatedSession): {
  readonly begun: string[];
  ask(method: string, name?: string): Promise<Buffer>;
  end(name: string, answer?: Buffer): Promise<void>;
} {
  const begun: string[] = [];
  const ends = new Map<string, (answer: Buffer) => void>();
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return {
    begun,
    ask: (method, name = method) =>
      session.run(method, () => {
        begun.push(name);
        return new Promise((resolve) => ends.set(name, resolve));
      }),
    async end(name, answer = OK) {
      await turn();
      ends.get(name)?.(answer);
      await turn();
    },
  };
}

describe("the order of a session's requests", () => {
  test("what changes the session waits for what was asked before it, and what is asked after it waits for it", async () => {
    const session = new GatedSession();
    await session.change("signin", async () => OK);
    const { begun, ask, end } = script(session);
    const asked = [ask("query", "one"), ask("select", "two"), ask("use", "first use"), ask("query", "three")];
    asked.push(ask("let", "let"), ask("use", "second use"), ask("query", "four"), ask("query", "five"));
    await end("one");
    expect(begun).toEqual(["one", "two"]);
    await end("two");
    expect(begun).toEqual(["one", "two", "first use"]);
    await end("first use");
    expect(begun.slice(3)).toEqual(["three"]);
    await end("three");
    expect(begun.slice(4)).toEqual(["let"]);
    await end("let");
    expect(begun.slice(5)).toEqual(["second use"]);
    await end("second use");
    expect(begun.slice(6)).toEqual(["four", "five"]);
    await end("four");
    await end("five");
    await Promise.all(asked);
  });

  test("transactions, pings and versions wait for nothing", async () => {
    const { begun, ask, end } = script(new GatedSession());
    const asked = ["use", "begin", "commit", "cancel", "ping", "version"].map((method) => ask(method));
    await end("begin");
    expect(begun.sort()).toEqual(["begin", "cancel", "commit", "ping", "use", "version"]);
    for (const name of ["use", "commit", "cancel", "ping", "version"]) await end(name);
    await Promise.all(asked);
  });

  test("a change that fails or throws lets the next ones go on", async () => {
    const session = new GatedSession();
    await session.change("signin", async () => OK);
    const broken = session.change("use", () => Promise.reject(new Error("broken")));
    const next = session.run("query", async () => OK);
    await expect(broken).rejects.toThrow("broken");
    expect(await next).toBe(OK);
  });
});

describe("the gate of a session", () => {
  const statement = (session: GatedSession): Promise<Buffer> => session.run("query", async () => OK);

  test("opens by a sign-in that succeeds, and shuts by a sign-out", async () => {
    const session = new GatedSession();
    expect(messageOf(await statement(session))).toMatch(/^IAM error/);
    expect(await session.run("signin", async () => FAILED)).toBe(FAILED);
    expect(messageOf(await statement(session))).toMatch(/^IAM error/);
    for (const method of ["signin", "signup", "authenticate", "refresh"]) {
      await session.run(method, async () => OK);
      expect(await statement(session)).toBe(OK);
      await session.run("invalidate", async () => FAILED);
      expect(await statement(session)).toBe(OK);
      await session.run("invalidate", async () => OK);
      expect(messageOf(await statement(session))).toMatch(/^IAM error/);
    }
  });

  test("a statement that was asked after a sign-in and before its answer is let through", async () => {
    const session = new GatedSession();
    const { ask, end } = script(session);
    const signin = ask("signin");
    const asked = statement(session);
    await end("signin");
    expect([await signin, await asked]).toEqual([OK, OK]);
  });

  test("an expired session says so until it signs in again; one that never signed in does not expire", async () => {
    const session = new GatedSession();
    session.expire();
    expect(messageOf(await statement(session))).toMatch(/^IAM error/);
    await session.run("signin", async () => OK);
    session.expire();
    expect(messageOf(await statement(session))).toBe("The session has expired");
    await session.run("authenticate", async () => OK);
    expect(await statement(session)).toBe(OK);
  });
});
