import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { runCall } from "@db/core";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ExactCodec } from "../src/codec.ts";
import { SharedCredentials } from "../src/credentials.ts";
import { Exchange } from "../src/exchange.ts";
import { HttpConnection, type HttpOptions } from "../src/http-connection.ts";
import { ServerVersions } from "../src/server-version.ts";

const codec = new ExactCodec();
const scope = { namespace: "n", database: "d" };
let server: Server;
let options: HttpOptions;
let connection: HttpConnection;
/** The one token that the server takes at present. */
let valid: string;
let signIn: () => Promise<string>;
let isVaultAway: boolean;
/** Who the statements that arrived were from. */
let from: (string | undefined)[];

beforeEach(async () => {
  valid = "first";
  signIn = async () => valid;
  isVaultAway = false;
  from = [];
  server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
    const { id, method } = codec.decode<{ id: number; method: string }>(Buffer.concat(parts));
    const { authorization } = request.headers;
    if (method === "query") from.push(authorization);
    if (method === "query" && authorization !== `Bearer ${valid}`)
      response.statusCode = authorization === undefined ? 200 : 401;
    const results: { readonly [name: string]: () => unknown } = { version: () => "surrealdb-3.0.2", signin: signIn };
    response.end(codec.encode({ id, result: await (results[method]?.() ?? authorization ?? "nobody") }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  options = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/rpc`,
    tls: undefined,
    maxMessageBytes: 10_000,
    home: scope,
    credentials: new SharedCredentials(() => {
      if (isVaultAway) throw new Error("the vault is away");
      return { username: "root", password: "root" };
    }, scope),
    versions: new ServerVersions(">=3.0.0"),
    connectTimeoutMs: 1_000,
    heartbeatIntervalMs: 60_000,
    heartbeatTimeoutMs: 1_000,
  };
  connection = await HttpConnection.open(options, new AbortController().signal, () => {});
});
afterEach(async () => {
  await connection.close();
  server.closeAllConnections();
  server.close();
});

function ask(over = connection): Promise<unknown> {
  return runCall({ timeoutMs: 5_000 }, async (context) => {
    const session = await over.session(scope);
    const request = { method: "query", params: [] };
    const asked = { effect: "unknown" } as const;
    return new Exchange({
      connection: over,
      session,
      request,
      context,
      asked,
      abandonAfterMs: 1_000,
      over: () => {},
    }).promise;
  });
}

test("no statement goes without a name while its connection, or another, signs in anew", async () => {
  const other = await HttpConnection.open(options, new AbortController().signal, () => {});
  const signing = Promise.withResolvers<void>();
  const { promise, resolve } = Promise.withResolvers<string>();
  signIn = () => {
    signing.resolve();
    return promise;
  };
  valid = "second";
  const refused = ask();
  await signing.promise;
  const meanwhile = [ask(), ask(other)];
  await expect.poll(() => from.length).toBe(3);
  resolve(valid);
  expect(await Promise.all([refused, ...meanwhile])).toEqual(Array.from({ length: 3 }, () => "Bearer second"));
  expect(from).not.toContain(undefined);
  await other.close();
});

test("no statement goes without a name after a sign-in that failed, and the next one signs in", async () => {
  valid = "second";
  isVaultAway = true;
  expect(await ask().catch((error: unknown) => error)).toMatchObject({ code: "CONNECTION_FAILED", effect: "none" });
  isVaultAway = false;
  expect(await ask()).toBe("Bearer second");
  expect(from).not.toContain(undefined);
});
