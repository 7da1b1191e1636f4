import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ExactCodec } from "../src/codec.ts";
import { SharedCredentials } from "../src/credentials.ts";
import { HttpConnection } from "../src/http-connection.ts";
import { ServerVersions } from "../src/server-version.ts";

const codec = new ExactCodec();
const scope = { namespace: "n", database: "d" };
let server: Server;
let asked: number;
let connection: HttpConnection;
/** What the clock shows: how a machine goes is not what is asked. */
let now: number;

beforeEach(async () => {
  // Whole, so that ten times a hundred is a thousand.
  now = 1_000;
  vi.spyOn(performance, "now").mockImplementation(() => now);
  server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
    const { id, method } = codec.decode<{ id: number; method: string }>(Buffer.concat(parts));
    response.end(codec.encode({ id, result: method === "version" ? "surrealdb-3.0.2" : token(1) }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  asked = 0;
  const authentication = () => {
    asked += 1;
    if (asked > 1) throw new Error("the vault is away");
    return { username: "root", password: "root" };
  };
  const options = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/rpc`,
    tls: undefined,
    maxMessageBytes: 10_000,
    home: scope,
    credentials: new SharedCredentials(authentication, scope),
    versions: new ServerVersions(">=3.0.0"),
    connectTimeoutMs: 1_000,
    heartbeatIntervalMs: 60_000,
    heartbeatTimeoutMs: 1_000,
  };
  connection = await HttpConnection.open(options, new AbortController().signal, () => {});
});
afterEach(async () => {
  vi.restoreAllMocks();
  await connection.close();
  server.closeAllConnections();
  server.close();
});

/** Good for so many seconds. */
function token(seconds: number): string {
  const claims = Buffer.from(JSON.stringify({ iat: 1_000, exp: 1_000 + seconds })).toString("base64url");
  return `head.${claims}.signature`;
}

test("a token that cannot be renewed serves until its end, and is asked for now and then", async () => {
  for (let ms = 0; ms < 1_000; ms += 10) {
    await connection.session(scope);
    await new Promise((next) => setImmediate(next));
    expect(asked).toBe(ms < 800 ? 1 : 2);
    now += 10;
  }
  await expect(async () => connection.session(scope)).rejects.toMatchObject({ code: "CONNECTION_FAILED" });
  expect(asked).toBe(3);
});

test("nothing is sent once it has ended, and who tries learns it at once", async () => {
  const session = await connection.session(scope);
  await connection.close();
  const nobody = { answered: () => {}, refused: () => {}, lost: () => {} };
  expect(() => connection.send({ method: "ping", params: [] }, session, nobody)).toThrow(
    expect.objectContaining({ code: "CONNECTION_FAILED", effect: "none" }),
  );
});
