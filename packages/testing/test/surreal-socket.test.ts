import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { CborCodec } from "surrealdb";
import { expect, test, vi } from "vitest";
import type { WebSocket } from "ws";
import type { SurrealClient } from "../src/surreal-client.ts";
import { FaultState } from "../src/surreal-fault-state.ts";
import { SurrealSocket } from "../src/surreal-socket.ts";

const codec = new CborCodec({});
const PING = Buffer.from(codec.encode({ id: "1", method: "ping" }));
const ANSWER = Buffer.from(codec.encode(undefined));

class FakeWebSocket extends EventEmitter {
  readonly OPEN = 1;
  readyState = 1;
  bufferedAmount = 0;
  readonly pause = vi.fn();
  readonly resume = vi.fn();
  readonly send = vi.fn();
  readonly terminate = vi.fn();
  readonly close = vi.fn();
}

class FakeClient {
  readonly waiting: ((answer: Buffer) => void)[] = [];
  readonly steps: string[] = [];

  answer(): Promise<Buffer> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  async cancelTransactions(): Promise<void> {
    this.steps.push("cancelled");
  }

  async close(): Promise<void> {
    this.steps.push("closed");
  }
}

function open(): { socket: FakeWebSocket; client: FakeClient; served: SurrealSocket } {
  const [socket, client] = [new FakeWebSocket(), new FakeClient()];
  const stream = { cork() {}, uncork() {} };
  const served = new SurrealSocket(
    socket as unknown as WebSocket,
    stream as unknown as Socket,
    client as unknown as SurrealClient,
    new FaultState(),
  );
  return { socket, client, served };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("a socket with 4,096 requests under way is not read further until one is answered", async () => {
  const { socket, client } = open();
  for (let count = 0; count < 4_095; count += 1) socket.emit("message", PING, true);
  expect(socket.pause).not.toHaveBeenCalled();
  socket.emit("message", PING, true);
  expect(socket.pause).toHaveBeenCalledTimes(1);
  client.waiting[0]?.(ANSWER);
  await turn();
  expect(socket.resume).toHaveBeenCalledTimes(1);
});

test("a client that leaves 256 MiB of answers unread is cut off", async () => {
  const { socket, client } = open();
  for (const bufferedAmount of [268_435_456, 268_435_457]) {
    expect(socket.terminate).not.toHaveBeenCalled();
    socket.bufferedAmount = bufferedAmount;
    socket.emit("message", PING, true);
    client.waiting.at(-1)?.(ANSWER);
    await turn();
  }
  expect(socket.terminate).toHaveBeenCalledTimes(1);
});

test("when it closes its transactions end at once, all else once nothing is under way", async () => {
  const { socket, client, served } = open();
  socket.emit("message", PING, true);
  socket.readyState = 3;
  socket.emit("close");
  await turn();
  expect(client.steps).toEqual(["cancelled"]);
  client.waiting[0]?.(ANSWER);
  await served.gone;
  expect(client.steps).toEqual(["cancelled", "closed"]);
  expect(socket.send).not.toHaveBeenCalled();
});
