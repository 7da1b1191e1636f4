import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Uuid } from "surrealdb";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { ExactCodec } from "../src/codec.ts";
import type { Push } from "../src/live-watches.ts";
import { RpcSocket, type SocketOptions } from "../src/rpc-socket.ts";

const codec = new ExactCodec();
let server: WebSocketServer;
let peer: WebSocket;
let socket: RpcSocket;
let ends: unknown[];
/** What the peer does with the id of a request. */
let reply: (id: number) => void;

beforeEach(async () => {
  server = new WebSocketServer({ port: 0, host: "127.0.0.1", handleProtocols: () => "cbor" });
  server.on("connection", (ws) => {
    peer = ws;
    ws.on("message", (data: Buffer) => reply(codec.decode<{ id: number }>(data).id));
  });
  await once(server, "listening");
  ends = [];
  socket = await dial();
});
afterEach(async () => {
  socket.terminate(new Error("over"));
  for (const client of server.clients) client.terminate();
  server.close();
});

function dial(
  signal: AbortSignal = new AbortController().signal,
  changes: Partial<SocketOptions> = {},
): Promise<RpcSocket> {
  const { port } = server.address() as AddressInfo;
  const options = {
    url: `ws://127.0.0.1:${port}/rpc`,
    tls: undefined,
    maxMessageBytes: 10_000,
    heartbeatIntervalMs: 60_000,
    heartbeatTimeoutMs: 200,
    ...changes,
  };
  return RpcSocket.dial(options, signal, (cause) => ends.push(cause));
}

const send = (message: unknown): void => peer.send(codec.encode(message));
const ping = (): Promise<unknown> => socket.call({ method: "ping", params: [] });

describe("a socket", () => {
  test("gives each request its own answer, in whatever order they come", async () => {
    const ids: number[] = [];
    reply = (id) => {
      ids.push(id);
      if (ids.length === 3) for (const one of [...ids].reverse()) send({ id: one, result: one });
    };
    const answers = await Promise.all([ping(), ping(), ping()]);
    expect(answers).toEqual(ids);
    expect(socket.size).toBe(0);
  });

  test("drops an answer that nobody waits for", async () => {
    reply = (id) => {
      send({ id: 4_711, result: "odd" });
      send({ id, result: "mine" });
      send({ id, result: "again" });
    };
    expect(await ping()).toBe("mine");
    expect(socket.isOpen).toBe(true);
  });

  test("hands on what is pushed", async () => {
    const pushes: Push[] = [];
    socket.onPush = (push) => pushes.push(push);
    reply = (id) => {
      send({ result: { action: "CREATE", id: Uuid.v7(), record: "r", result: {} } });
      send({ id, result: null });
    };
    await ping();
    expect(pushes).toMatchObject([{ action: "CREATE" }]);
  });

  test.each([
    ["what is no CBOR", () => peer.send(Buffer.from([0xff])), "what is no CBOR"],
    ["nothing where a message should be", () => send(null), "what is no message"],
    ["a number where a message should be", () => send(1), "what is no message"],
    ["an error of no request that is none", () => send({ error: { message: [{ toString: 1 }] } }), "no error"],
    ["text", () => peer.send("<html>"), "what is no CBOR"],
    ["a change of no live query", () => send({ result: { action: "CREATE", id: null } }), "a change of no live query"],
    ["an error of no request", () => send({ error: { code: -32600, message: "Invalid request" } }), "Invalid request"],
    ["a goodbye", () => peer.close(1001), "code 1001"],
    ["an end without one", () => peer.terminate(), "code 1006"],
  ] as const)("ends at %s, and all that waits with it", async (_, act, why) => {
    reply = act;
    const error = await ping().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "CONNECTION_FAILED" });
    expect(String((error as Error).cause)).toContain(why);
    expect(ends).toHaveLength(1);
    expect(socket.isOpen).toBe(false);
    expect(await socket.isAlive()).toBe(false);
    await expect(ping()).rejects.toMatchObject({ code: "CONNECTION_FAILED", effect: "none" });
    await socket.close();
    expect(ends).toHaveLength(1);
  });

  test("takes an answer with a value of a later server for the matter of its request alone", async () => {
    const held: number[] = [];
    reply = (id) => {
      held.push(id);
      // The result gets a tag that nobody knows.
      if (held.length < 2) return;
      const [first = 0] = held;
      peer.send(
        Buffer.concat([codec.encode({ id: first, result: 0 }).subarray(0, -1), Buffer.from([0xd9, 0x03, 0xe7, 0])]),
      );
      send({ id, result: "mine" });
    };
    const [odd, mine] = await Promise.allSettled([ping(), ping()]);
    expect(odd).toMatchObject({ status: "rejected", reason: { message: expect.stringContaining("999") } });
    expect(mine).toMatchObject({ status: "fulfilled", value: "mine" });
    expect(socket.isOpen).toBe(true);
  });

  test("says of the largest request that it was too large, where the peer says so of one", async () => {
    const receivers: string[] = [];
    let seen = 0;
    reply = () => {
      seen += 1;
      if (seen === 2) peer.close(1009);
    };
    for (const size of [10, 5_000])
      socket.send(
        { method: "query", params: ["x".repeat(size)] },
        {
          answered: () => receivers.push(`${size} answered`),
          refused: (error) => receivers.push(`${size} ${(error as unknown as { code: string }).code}`),
          lost: () => receivers.push(`${size} lost`),
        },
      );
    await expect.poll(() => receivers.length).toBe(2);
    expect(receivers.sort()).toEqual(["10 lost", "5000 PAYLOAD_TOO_LARGE"]);
  });

  test("asks a peer whether it is there", async () => {
    expect(await socket.isAlive()).toBe(true);
    peer.pause();
    expect(await socket.isAlive()).toBe(false);
    expect(ends).toHaveLength(1);
  });

  test("gives a peer that takes a large request slowly the time it needs", { timeout: 20_000 }, async () => {
    socket.terminate(new Error("over"));
    socket = await dial(undefined, {
      maxMessageBytes: 100_000_000,
      heartbeatIntervalMs: 200,
      heartbeatTimeoutMs: 400,
    });
    reply = (id) => send({ id, result: "taken" });
    // It takes none of it for longer than the heartbeat waits.
    const tcp = (peer as unknown as { readonly _socket: Socket })._socket;
    tcp.pause();
    const taken = socket.call({ method: "query", params: ["x".repeat(20_000_000)] });
    await sleep(1_200);
    tcp.resume();
    expect(await taken).toBe("taken");
  });

  test("is not waited for longer than the signal", async () => {
    const reason = new Error("enough");
    await expect(dial(AbortSignal.abort(reason))).rejects.toBe(reason);
    const controller = new AbortController();
    const dialling = dial(controller.signal);
    controller.abort(reason);
    await expect(dialling).rejects.toBe(reason);
  });

  test("closes within half a second, whatever the peer does", async () => {
    peer.pause();
    const start = performance.now();
    await socket.close();
    expect(performance.now() - start).toBeLessThan(2_000);
  });
});
