import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ExactCodec } from "../src/codec.ts";
import { HttpClient } from "../src/rpc-http.ts";

const codec = new ExactCodec();
let server: Server;
let reply: (response: ServerResponse) => void;
let client: HttpClient;
let failures: unknown[];
let requests: number;

beforeEach(async () => {
  requests = 0;
  server = createServer((request, response) => {
    requests += 1;
    request.resume().on("end", () => reply(response));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  failures = [];
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/rpc`;
  client = new HttpClient({ url, tls: undefined, maxMessageBytes: 10_000 }, (cause) => failures.push(cause));
});
afterEach(() => {
  client.close(new Error("over"));
  server.closeAllConnections();
  server.close();
});

/** What a request comes to. */
function outcome(): Promise<readonly [how: string, what: unknown]> {
  return new Promise((resolve) => {
    client.send(
      { method: "ping", params: [] },
      {},
      {
        answered: (result) => resolve(["answered", result]),
        refused: (error) => resolve(["refused", error]),
        lost: (cause) => resolve(["lost", cause]),
      },
    );
  });
}

test("a result and an error of the database are told apart", async () => {
  reply = (response) => response.end(codec.encode({ id: 1, result: [1] }));
  expect(await outcome()).toEqual(["answered", [1]]);
  reply = (response) =>
    response.end(codec.encode({ id: 1, error: { code: -32000, kind: "Validation", message: "no" } }));
  expect(await outcome()).toMatchObject(["refused", { kind: "Validation" }]);
  expect(failures).toEqual([]);
});

test.each([
  [401, "refused", { kind: "NotAllowed", message: "The token has expired" }],
  [403, "refused", { kind: "NotAllowed" }],
  [404, "refused", { code: "CONNECTION_FAILED", effect: "none" }],
  [413, "refused", { code: "PAYLOAD_TOO_LARGE" }],
  [429, "refused", { code: "CONNECTION_FAILED", effect: "none" }],
  [503, "lost", { message: "the server answered with the HTTP status 503" }],
  [502, "lost", { message: "the server answered with the HTTP status 502" }],
  [504, "lost", {}],
] as const)("the status %i is %s: a gateway that gave up may have passed the request on", async (status, how, what) => {
  reply = (response) => response.writeHead(status).end("no");
  expect(await outcome()).toMatchObject([how, what]);
  expect(failures).toHaveLength(how === "lost" ? 1 : 0);
});

test.each([
  ["nothing", codec.encode(null)],
  ["a text", codec.encode("hello")],
  ["no bytes", new Uint8Array()],
])("%s in place of a message is lost", async (_, body) => {
  reply = (response) => response.end(body);
  expect((await outcome())[0]).toBe("lost");
  expect(failures).toHaveLength(1);
});

test("a connection that breaks after the request was sent is lost, whatever breaks it", async () => {
  const sockets: Socket[] = [];
  const onSocket = (message: unknown): void => void sockets.push((message as { socket: Socket }).socket);
  subscribe("net.client.socket", onSocket);
  try {
    reply = () => {
      const cause = Object.assign(new Error("read EHOSTUNREACH"), { code: "EHOSTUNREACH", syscall: "read" });
      for (const socket of sockets) socket.destroy(cause);
    };
    expect(await outcome()).toMatchObject(["lost", { code: "EHOSTUNREACH" }]);
  } finally {
    unsubscribe("net.client.socket", onSocket);
  }
});

test("what is no CBOR, what ends in the middle and what is cut are lost", async () => {
  reply = (response) => response.end("<html>");
  expect((await outcome())[0]).toBe("lost");
  reply = (response) => {
    response.writeHead(200, { "content-length": "100" });
    response.write("x", () => response.destroy());
  };
  expect((await outcome())[0]).toBe("lost");
  reply = (response) => response.destroy();
  expect((await outcome())[0]).toBe("lost");
  expect(failures.length).toBe(3);
});

test("an answer that is too long is not taken", async () => {
  reply = (response) => response.end(Buffer.alloc(20_000));
  expect(await outcome()).toMatchObject(["refused", { code: "PAYLOAD_TOO_LARGE", effect: "unknown" }]);
});

test("what never reached the server had no effect", async () => {
  server.close();
  server.closeAllConnections();
  await once(server, "close");
  expect(await outcome()).toMatchObject(["refused", { code: "CONNECTION_FAILED", effect: "none" }]);
  expect(failures).toMatchObject([{ code: "ECONNREFUSED" }]);
});

test("requests that go on for long leave room to ask whether the server is there", async () => {
  reply = () => {};
  const under = Array.from({ length: 100 }, () => outcome());
  await expect.poll(() => requests).toBe(100);
  reply = (response) => response.end();
  const before = client.received;
  client.ping();
  await expect.poll(() => client.received).toBeGreaterThan(before);
  client.close(new Error("over"));
  await Promise.all(under);
});

test("closing ends what is under way", async () => {
  reply = () => {};
  const open = outcome();
  await once(server, "request");
  client.close(new Error("over"));
  expect((await open)[0]).toBe("lost");
});
