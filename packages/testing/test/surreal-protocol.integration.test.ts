import { once } from "node:events";
import { request } from "node:http";
import { type SurrealServer, startSurreal } from "@db/testing";
import { CborCodec, Uuid } from "surrealdb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { RpcClient, type RpcReply } from "./support/rpc-client.ts";

const codec = new CborCodec({});

let server: SurrealServer;
beforeAll(async () => {
  server = await startSurreal();
  using root = await (await RpcClient.open(server.url)).signIn();
  await root.call({
    method: "query",
    params: ["DEFINE TABLE rows; DEFINE FUNCTION fn::odd() { RETURN { error: 'mine' } }"],
  });
});
afterAll(() => server.close());

describe("the gate", () => {
  const refused = {
    code: -32_002,
    kind: "NotAllowed",
    message: "IAM error: Not enough permissions to perform this action",
  };

  test("who did not sign in can ask for the version and choose a place, and run no statement", async () => {
    using client = await RpcClient.open(server.url);
    expect(await client.call({ method: "version" })).toMatchObject({ result: expect.stringMatching(/^surrealdb-3/) });
    expect(await client.call({ method: "ping" })).not.toHaveProperty("error");
    expect(await client.call({ method: "use", params: ["test", "test"] })).not.toHaveProperty("error");
    for (const method of [
      "query",
      "select",
      "create",
      "insert",
      "update",
      "delete",
      "live",
      "kill",
      "run",
      "info",
      "graphql",
    ])
      expect(await client.call({ method, params: ["RETURN 1"] })).toMatchObject({ error: refused });
  });

  test("who signs out, or attaches a session, is nobody again", async () => {
    using client = await (await RpcClient.open(server.url)).signIn();
    const session = Uuid.v4();
    await client.call({ method: "attach", session });
    const query = { method: "query", params: ["RETURN 1"] };
    expect(await client.call({ ...query, session })).toMatchObject({ error: refused });
    expect(await client.call(query)).not.toHaveProperty("error");
    expect(await client.call({ method: "INVALIDATE" })).toMatchObject({ error: { message: "Method not found" } });
    expect(await client.call(query)).not.toHaveProperty("error");
    await client.call({ method: "invalidate" });
    expect(await client.call(query)).toMatchObject({ error: refused });
  });

  test("refuses in the words in which the engine refuses", async () => {
    using root = await (await RpcClient.open(server.url)).signIn();
    const access = "DEFINE ACCESS member ON DATABASE TYPE RECORD SIGNUP (CREATE rows:me)";
    await root.call({ method: "query", params: [`${access}; DEFINE FUNCTION fn::define() { DEFINE TABLE mine }`] });
    using member = await RpcClient.open(server.url);
    await member.call({ method: "signup", params: [{ ac: "member", ns: "test", db: "test" }] });
    const byEngine = await member.call({ method: "run", params: ["fn::define"] });
    using nobody = await RpcClient.open(server.url);
    const byGate = await nobody.call({ method: "run", params: ["fn::define"] });
    const shape = ({ error }: RpcReply): object => {
      const details = error?.details as { kind: string; details: { kind: string; details: object } };
      return { ...error, details: [details.kind, details.details.kind, Object.keys(details.details.details).sort()] };
    };
    expect(shape(byGate)).toEqual(shape(byEngine));
  });

  test("a wrong password leaves the gate as it was", async () => {
    using client = await (await RpcClient.open(server.url)).signIn();
    const wrong = await client.call({ method: "signin", params: [{ user: "root", pass: "wrong" }] });
    expect(wrong).toMatchObject({ error: { code: -32_002, message: "There was a problem with authentication" } });
    expect(await client.call({ method: "query", params: ["RETURN 1"] })).not.toHaveProperty("error");
  });

  test("HTTP has it too: nothing without credentials, 401 for wrong ones", async () => {
    const rpc = (headers: { [name: string]: string }): Promise<Response> =>
      fetch(server.httpUrl, {
        method: "POST",
        body: body({ id: "1", method: "query", params: ["RETURN 1"] }),
        headers,
      });
    const place = { "surreal-ns": "test", "surreal-db": "test" };
    const reply = await rpc(place);
    expect(codec.decode(new Uint8Array(await reply.arrayBuffer()))).toMatchObject({ id: "1", error: refused });
    expect((await rpc({ ...place, authorization: `Basic ${btoa("root:wrong")}` })).status).toBe(401);
    expect((await rpc({ ...place, authorization: "Bearer nonsense" })).status).toBe(401);
    expect((await rpc({ ...place, authorization: `Basic ${btoa("root:root")}` })).status).toBe(200);
    for (const path of ["/sql", "/import", "/export"])
      expect(
        (await fetch(new URL(path, server.httpUrl), { method: "POST", body: "RETURN 1", headers: place })).status,
      ).toBe(403);
  });
});

describe("what a client owns", () => {
  const query = { method: "query", params: ["CREATE rows"] };

  test("nobody else finds its transactions and sessions", async () => {
    using mine = await (await RpcClient.open(server.url)).signIn();
    using other = await (await RpcClient.open(server.url)).signIn();
    const { result: txn } = await mine.call({ method: "begin" });
    const session = Uuid.v4();
    await mine.call({ method: "attach", session });
    for (const request of [
      { ...query, txn },
      { method: "commit", params: [txn] },
      { method: "cancel", params: [txn] },
    ])
      expect(await other.call(request)).toMatchObject({ error: { code: -32_603, message: "Transaction not found" } });
    expect(await other.call({ ...query, session })).toMatchObject({
      error: { kind: "NotFound", message: `Session not found: ${session}`, details: { kind: "Session" } },
    });
    expect(await other.call({ method: "sessions" })).toMatchObject({ result: [] });
    expect(await mine.call({ method: "sessions" })).toMatchObject({ result: [session] });
    expect(await mine.call({ method: "commit", params: [txn] })).not.toHaveProperty("error");
  });

  test("two sockets may attach the same id at once, as one that comes back does", async () => {
    using first = await (await RpcClient.open(server.url)).signIn();
    using second = await (await RpcClient.open(server.url)).signIn();
    const session = Uuid.v4();
    for (const client of [first, second])
      expect(await client.call({ method: "attach", session })).not.toHaveProperty("error");
    const again = await first.call({ method: "attach", session });
    expect(again).toMatchObject({ error: { kind: "AlreadyExists", message: `Session already exists: ${session}` } });
    await first.call({ method: "detach", session });
    const use = { method: "use", params: ["test", "other"], session };
    expect(await first.call(use)).toMatchObject({ error: { kind: "NotFound" } });
    expect(await second.call(use)).not.toHaveProperty("error");
  });

  test("requests of a session that are sent at once keep their order where it matters", async () => {
    using client = await RpcClient.open(server.url);
    const session = Uuid.v4();
    const signin = { method: "signin", params: [{ user: "root", pass: "root" }], session };
    const place = (name: string): Promise<RpcReply>[] => [
      client.call({ method: "use", params: ["test", name], session }),
      client.call({ method: "query", params: ["RETURN session::db()"], session }),
    ];
    const replies = await Promise.all([
      client.call({ method: "attach", session }),
      client.call(signin),
      ...["a", "b", "c", "d", "e", "f"].flatMap(place),
    ]);
    const seen = replies.flatMap(({ result }) => (Array.isArray(result) ? [result[0].result] : []));
    expect(seen).toEqual(["a", "b", "c", "d", "e", "f"]);
  });

  test("a transaction and a live query that are begun as the socket is lost are given back", async () => {
    for (let round = 0; round < 20; round += 1) {
      const client = await (await RpcClient.open(server.url)).signIn();
      for (const method of ["begin", "begin", "begin"]) client.call({ method }).catch(() => {});
      client.call({ method: "query", params: ["LIVE SELECT * FROM rows"] }).catch(() => {});
      client.call({ method: "attach", session: Uuid.v4() }).catch(() => {});
      client.socket.terminate();
    }
    await expect
      .poll(() => server.stats(), { timeout: 5_000 })
      .toMatchObject({ sockets: 0, sessions: 0, transactions: 0, live: 0 });
  });

  test("commit and attach say what they expected", async () => {
    using client = await RpcClient.open(server.url);
    const invalid = (message: string): object => ({ error: { code: -32_603, kind: "Validation", message } });
    expect(await client.call({ method: "commit", params: ["x"] })).toMatchObject(invalid("Expected transaction UUID"));
    expect(await client.call({ method: "attach" })).toMatchObject(invalid("Expected a session ID"));
  });

  test("live queries tell the socket and session that asked and no other, of their end as well", async () => {
    using mine = await (await RpcClient.open(server.url)).signIn();
    using other = await (await RpcClient.open(server.url)).signIn();
    const heard: RpcReply[][] = [[], []];
    for (const [index, client] of [mine, other].entries())
      client.socket.on("message", (data: Buffer) => {
        const reply = codec.decode<RpcReply>(data);
        if (reply.id === undefined) heard[index]?.push(reply);
      });
    await mine.call({ method: "query", params: ["DEFINE TABLE told"] });
    const { result } = await mine.call({ method: "query", params: ["LIVE SELECT * FROM told"] });
    const [{ result: live }] = result as [{ result: unknown }];
    await other.call({ method: "query", params: ["CREATE told:heard SET n = 1"] });
    await expect.poll(() => heard[0], { timeout: 5_000 }).toHaveLength(1);
    expect(heard[0]?.[0]?.result).toMatchObject({ id: live, action: "CREATE", result: { n: 1 } });
    expect(heard[1]).toEqual([]);
    await mine.call({ method: "query", params: ["LIVE SELECT * FROM told"] });
    await expect.poll(() => server.stats(), { timeout: 5_000 }).toMatchObject({ sockets: 2, live: 2 });
    await mine.call({ method: "kill", params: [live] });
    expect(await server.stats()).toMatchObject({ live: 1 });
    await other.call({ method: "query", params: ["REMOVE TABLE told"] });
    await expect.poll(() => heard[0]?.at(-1)?.result, { timeout: 5_000 }).toMatchObject({ action: "KILLED" });
    expect(await server.stats()).toMatchObject({ live: 0 });
    expect(heard[1]).toEqual([]);
  });
});

describe("what is no request", () => {
  const bad: { readonly [what: string]: Uint8Array } = {
    "an empty message": new Uint8Array(),
    "a text": codec.encode("hello"),
    "a map that ends too early": body({ id: "1", method: "ping" }).subarray(0, 9),
    "a map with something after it": Buffer.concat([body({ id: "1", method: "ping" }), Buffer.from([0])]),
    "an item that claims to be huge": Buffer.from("a1666d6574686f647bffffffffffffffff", "hex"),
    "an item of indefinite length": Buffer.from("bf6269646131ff", "hex"),
    "a key that is no text": Buffer.from("a10101", "hex"),
    "a method that is no text": body({ id: "1", method: 5 }),
    "a session that is no UUID": body({ id: "1", method: "ping", session: "me" }),
  };
  for (const [what, bytes] of Object.entries(bad))
    test(`${what} is answered with an error, and the socket goes on`, async () => {
      using client = await RpcClient.open(server.url);
      expect(await client.send(bytes)).toMatchObject({ error: { code: -32_600, message: /^Invalid request: / } });
      expect(await client.call({ method: "ping" })).not.toHaveProperty("error");
    });

  test("a million arrays within each other are refused by the engine, and the server goes on", async () => {
    using client = await (await RpcClient.open(server.url)).signIn();
    const params = Buffer.concat([Buffer.alloc(1_000_000, 0x81), Buffer.from([0xf6])]);
    const bytes = Buffer.concat([
      Buffer.from("a3", "hex"),
      Buffer.from("626964", "hex"),
      Buffer.from(codec.encode("1")),
      Buffer.from("666d6574686f64", "hex"),
      Buffer.from(codec.encode("query")),
      Buffer.from("66706172616d73", "hex"),
      params,
    ]);
    expect(await client.send(bytes, "1")).toHaveProperty("error");
    expect(await client.call({ method: "ping" })).not.toHaveProperty("error");
  });

  test("a method that does not exist, an id that is missing, a request without a method", async () => {
    using client = await (await RpcClient.open(server.url)).signIn();
    expect(await client.call({ method: "nothing" })).toMatchObject({
      error: { code: -32_601, message: "Method not found" },
    });
    expect(await client.send(body({ method: "ping" }))).not.toHaveProperty("error");
    expect(await client.send(body({ id: "1" }))).toHaveProperty("error");
  });

  test("a text frame closes the socket with 1003", async () => {
    using client = await RpcClient.open(server.url);
    client.socket.send("{}");
    expect((await once(client.socket, "close"))[0]).toBe(1003);
  });
});

test("a result that looks like an error is a result", async () => {
  using client = await (await RpcClient.open(server.url)).signIn();
  expect(await client.call({ method: "run", params: ["fn::odd"] })).toMatchObject({ result: { error: "mine" } });
});

test("a handshake for another path or protocol, or from a page of another host, is refused", async () => {
  const status = async (url: string, protocol: string[], origin?: string): Promise<unknown> => {
    const socket = new WebSocket(url, protocol, { ...(origin !== undefined && { origin }) });
    const [error] = await once(socket, "error");
    return (error as Error).message;
  };
  expect(await status(server.url.replace("/rpc", "/other"), ["cbor"])).toContain("400");
  expect(await status(server.url, ["json"])).toContain("400");
  expect(await status(server.url, ["cbor"], "https://example.com")).toContain("403");
  const page = new WebSocket(server.url, "cbor", { origin: "http://localhost:3000" });
  await once(page, "open");
  page.terminate();
});

test("a handshake that is none is refused, and leaves nothing behind", async () => {
  const before = await server.stats();
  const headers = { connection: "upgrade", upgrade: "websocket", "sec-websocket-protocol": "cbor" };
  const handshake = request(server.httpUrl, { headers }).end();
  const [response] = await once(handshake, "response");
  expect((response as { statusCode: number }).statusCode).toBe(400);
  await expect
    .poll(() => server.stats(), { timeout: 5_000 })
    .toMatchObject({ sockets: 0, sessions: 0, dials: before.dials + 1 });
});

test("5,000 requests at once on one socket are all answered", async () => {
  using client = await (await RpcClient.open(server.url)).signIn();
  client.socket.setMaxListeners(0);
  const ids = new Set<unknown>();
  const all = Promise.withResolvers<void>();
  client.socket.on("message", (data: Buffer) => {
    ids.add(codec.decode<RpcReply>(data).id);
    if (ids.size === 5_000) all.resolve();
  });
  for (let id = 0; id < 5_000; id += 1) client.socket.send(body({ id, method: "query", params: [`RETURN ${id}`] }));
  await all.promise;
});

test("the server pings its sockets, as the real one does", async () => {
  using client = await RpcClient.open(server.url);
  await once(client.socket, "ping", { signal: AbortSignal.timeout(6_000) });
});

describe("HTTP", () => {
  const headers = { authorization: `Basic ${btoa("root:root")}`, "surreal-ns": "test", "surreal-db": "test" };
  const at = (path: string): URL => new URL(path, server.httpUrl);

  test("/health, /status and /version", async () => {
    expect((await fetch(at("/health"))).status).toBe(200);
    expect((await fetch(at("/status"))).status).toBe(200);
    expect(await (await fetch(at("/version"))).text()).toMatch(/^surrealdb-3\.\d+\.\d+$/);
    expect((await fetch(at("/nothing"))).status).toBe(404);
  });

  test("/sql answers in JSON, with parameters from the URL", async () => {
    const sql = (text: string, path = "/sql"): Promise<Response> =>
      fetch(at(path), { method: "POST", body: text, headers });
    const response = await sql("RETURN $name; RETURN 9223372036854775807; THROW 'no'", "/sql?name=Ann");
    expect(await response.json()).toMatchObject([
      { status: "OK", result: "Ann" },
      { status: "OK", result: "9223372036854775807" },
      { status: "ERR", result: "An error occurred: no" },
    ]);
    const wrong = await sql("SELECT * FROM");
    expect([wrong.status, await wrong.json()]).toMatchObject([400, { information: /^Parse error/ }]);
  });

  test("/sql answers in CBOR to who accepts it", async () => {
    const accept = { ...headers, accept: "application/cbor" };
    const response = await fetch(at("/sql"), {
      method: "POST",
      body: "RETURN u'018f0000-0000-7000-8000-000000000000'",
      headers: accept,
    });
    const [answer] = codec.decode<{ result: unknown }[]>(new Uint8Array(await response.arrayBuffer()));
    expect(answer?.result).toBeInstanceOf(Uuid);
  });

  test("/export tells a database to who may see it, and to nobody else", async () => {
    const sql = "DEFINE USER stranger ON NAMESPACE PASSWORD 'stranger' ROLES OWNER";
    await fetch(at("/sql"), { method: "POST", body: sql, headers: { ...headers, "surreal-ns": "elsewhere" } });
    const get = (own: object): Promise<Response> => fetch(at("/export"), { headers: { ...headers, ...own } });
    const exported = await get({});
    expect([exported.status, await exported.text()]).toEqual([200, expect.stringContaining("DEFINE TABLE rows")]);
    const stranger = { authorization: `Basic ${btoa("stranger:stranger")}`, "surreal-auth-ns": "elsewhere" };
    expect((await get(stranger)).status).toBe(403);
    expect((await get({ ...stranger, "surreal-ns": "elsewhere" })).status).toBe(200);
  });

  test("a body that is no request is answered with an error", async () => {
    const response = await fetch(at("/rpc"), { method: "POST", body: "hello", headers });
    const reply = codec.decode<RpcReply>(new Uint8Array(await response.arrayBuffer()));
    expect(reply).toMatchObject({ error: { code: -32_600 } });
  });

  test("what needs a connection that lasts is not found", async () => {
    for (const method of ["begin", "live", "attach"]) {
      const response = await fetch(at("/rpc"), { method: "POST", body: body({ id: "1", method }), headers });
      expect(codec.decode(new Uint8Array(await response.arrayBuffer()))).toMatchObject({
        error: { code: -32_601, details: { kind: "Method", details: { name: method } } },
      });
    }
  });

  test("a body beyond the limit is refused with 413", async () => {
    const posted = request(at("/rpc"), { method: "POST", headers });
    posted.on("error", () => {});
    posted.end(Buffer.alloc(4 * 1_048_576 + 1));
    const [response] = await once(posted, "response");
    expect((response as { statusCode: number }).statusCode).toBe(413);
  });

  test("requests of several tenants at once do not meet", async () => {
    const ask = async (index: number): Promise<unknown> => {
      const place = { ...headers, "surreal-ns": `n${index % 5}`, "surreal-db": "d" };
      const sql = await fetch(at("/sql"), { method: "POST", body: "RETURN session::ns()", headers: place });
      const [answer] = (await sql.json()) as [{ result: string }];
      return answer.result === `n${index % 5}`;
    };
    const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => ask(index)));
    expect(answers.every(Boolean)).toBe(true);
    await expect.poll(async () => (await server.stats()).sockets).toBe(0);
  });
});

function body(value: unknown): Buffer {
  return Buffer.from(codec.encode(value));
}
