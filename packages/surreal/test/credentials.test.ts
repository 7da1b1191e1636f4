import { setImmediate as turn } from "node:timers/promises";
import { DatabaseErrorOf } from "@db/core";
import { expect, test } from "vitest";
import type { Credentials } from "../src/authentication.ts";
import { SharedCredentials } from "../src/credentials.ts";
import { serverError } from "../src/rpc.ts";

const HOME = { namespace: "n", database: "d" };
const USER = { username: "u", password: "p" };
const { signal } = new AbortController();

function jwt(seconds: number): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "none" })}.${part({ iat: 1_000, exp: 1_000 + seconds })}.x`;
}

const refused = (): Error =>
  serverError({ code: -32002, kind: "NotAllowed", message: "There was a problem with authentication" });

/** Notes what it is asked and answers in turn. */
function server(answers: readonly unknown[]) {
  const asked: string[] = [];
  const left = [...answers];
  const ask = async ({ method, params }: { readonly method: string; readonly params: readonly unknown[] }) => {
    asked.push(typeof params[0] === "string" ? method : `${method} ${JSON.stringify(params[0])}`);
    await turn();
    const answer = left.shift();
    if (answer instanceof Error) throw answer;
    return answer;
  };
  return { ask, asked };
}

test("one session signs in and the others take its token", async () => {
  const credentials = new SharedCredentials(USER, HOME);
  const { ask, asked } = server([jwt(3_600)]);
  await Promise.all(Array.from({ length: 4 }, () => credentials.admit(ask, signal)));
  expect(asked).toEqual(['signin {"user":"u","pass":"p"}', "authenticate", "authenticate", "authenticate"]);
});

test("a token is renewed ahead of its end, by how long it lives", async () => {
  const { ask } = server([jwt(100), jwt(3_600), { access: jwt(10), refresh: "r" }]);
  for (const [lifetimeMs, marginMs] of [
    [100_000, 20_000],
    [3_600_000, 60_000],
    [10_000, 2_000],
  ] as const) {
    const now = performance.now();
    const { renewAt, expiresAt } = await new SharedCredentials(USER, HOME).admit(ask, signal);
    expect(expiresAt - lifetimeMs).toBeGreaterThanOrEqual(now);
    expect(expiresAt - lifetimeMs).toBeLessThanOrEqual(performance.now());
    expect(expiresAt - renewAt).toBeCloseTo(marginMs, 3);
  }
});

test("a token that is refused is forgotten, and its session signs in", async () => {
  const credentials = new SharedCredentials(USER, HOME);
  const { ask, asked } = server([jwt(3_600), refused(), jwt(3_600)]);
  await credentials.admit(ask, signal);
  await credentials.admit(ask, signal);
  expect(asked).toEqual(['signin {"user":"u","pass":"p"}', "authenticate", 'signin {"user":"u","pass":"p"}']);
});

test.each([
  "InvalidToken",
  "Base64 error: Invalid input length: 1",
  "JSON error: missing field `alg` at line 1 column 13",
])("a token that the server cannot read (%s) is refused for good", async (message) => {
  const { ask } = server([serverError({ code: -32000, kind: "Internal", message })]);
  await expect(new SharedCredentials("none", HOME).admit(ask, signal)).rejects.toMatchObject({
    code: "AUTHENTICATION_FAILED",
    retryable: false,
  });
});

test("a token that the server could not look at just now may be right", async () => {
  const odd = serverError({ code: -32000, kind: "Internal", message: "the store is away" });
  await expect(new SharedCredentials("none", HOME).admit(server([odd]).ask, signal)).rejects.toBe(odd);
});

test("a sign-in that fails leaves the next session to try", async () => {
  const credentials = new SharedCredentials(USER, HOME);
  const { ask } = server([refused(), jwt(3_600)]);
  const ends = await Promise.allSettled([credentials.admit(ask, signal), credentials.admit(ask, signal)]);
  expect(ends.map(({ status }) => status)).toEqual(["rejected", "fulfilled"]);
});

test("a function that never answers holds up nobody for longer than its signal", async () => {
  let hangs = true;
  const give = (): Promise<Credentials> => (hangs ? new Promise(() => {}) : Promise.resolve(USER));
  const credentials = new SharedCredentials(give, HOME);
  const { ask } = server([jwt(3_600)]);
  const controller = new AbortController();
  const first = credentials.admit(ask, controller.signal);
  const second = credentials.admit(ask, signal);
  hangs = false;
  controller.abort(new Error("too late"));
  await expect(first).rejects.toThrow("too late");
  expect((await second).expiresAt).toBeGreaterThan(performance.now());
});

test.each([
  [
    { access: "a", variables: { email: "e" } },
    { email: "e", ns: "n", db: "d", ac: "a" },
  ],
  [
    { access: "a", key: "k", namespace: "x", database: "y" },
    { ns: "x", db: "y", ac: "a", key: "k" },
  ],
  [
    { ...USER, namespace: "x" },
    { user: "u", pass: "p", ns: "x" },
  ],
])("signs in as the protocol has it: %j", async (given, sent) => {
  const { ask, asked } = server([jwt(10)]);
  await new SharedCredentials(given, HOME).admit(ask, signal);
  const [, parameters = ""] = /^signin (.*)$/.exec(asked[0] ?? "") ?? [];
  expect(JSON.parse(parameters)).toEqual(sent);
});

test("a given token is not renewed: there is nobody to ask for another", async () => {
  const { ask, asked } = server([]);
  const { renewAt, expiresAt } = await new SharedCredentials(jwt(60), HOME).admit(ask, signal);
  expect(renewAt).toBe(expiresAt);
  expect(asked).toEqual(["authenticate"]);
});

test("nobody needs no token, and one without an end never ends", async () => {
  const { ask, asked } = server(["opaque"]);
  expect(await new SharedCredentials(null, HOME).admit(ask, signal)).toMatchObject({ expiresAt: Infinity });
  expect(asked).toEqual([]);
  expect(await new SharedCredentials(USER, HOME).admit(ask, signal)).toMatchObject({ expiresAt: Infinity });
});

test.each([
  ["an error", new Error("the vault is away")],
  [
    "what looks like the database's word",
    Object.assign(new Error("no"), { kind: "NotAllowed", details: { kind: "Auth" } }),
  ],
  ["nothing", undefined],
])("a function that throws %s has failed itself, and may do better next time", async (_, cause) => {
  const credentials = new SharedCredentials(() => Promise.reject(cause), HOME);
  const error = await credentials.admit(async () => "", signal).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "CONNECTION_FAILED", effect: "none", retryable: true, cause });
});

test("a function that says what it means is believed", async () => {
  const refusal = new DatabaseErrorOf("AUTHENTICATION_FAILED", "locked out", {});
  const credentials = new SharedCredentials(() => Promise.reject(refusal), HOME);
  await expect(credentials.admit(async () => "", signal)).rejects.toBe(refusal);
});

test("what a function gives is checked, and not shown", async () => {
  const credentials = new SharedCredentials(() => ({ user: "secret" }) as never, HOME);
  const error = await credentials.admit(async () => "", signal).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "AUTHENTICATION_FAILED", retryable: false });
  expect(String(error)).toContain('unknown option "user"');
  expect(String(error)).not.toContain("secret");
});
