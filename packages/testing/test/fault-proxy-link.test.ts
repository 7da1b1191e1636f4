import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { expect, test, vi } from "vitest";
import { FaultLink } from "../src/fault-proxy-link.ts";
import { Client, EchoServer, eventually } from "./support/wire.ts";

test("closes for good when it is reset at the moment at which it passes an end on", async () => {
  await using target = await EchoServer.start();
  const listener = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, "127.0.0.1");
  await once(listener, "listening");
  const dialling = Client.dial((listener.address() as { readonly port: number }).port);
  const [accepted] = (await once(listener, "connection")) as [Socket];
  using client = await dialling;
  const closed = vi.fn();
  const link = new FaultLink(accepted, target, { kind: "up" }, { passed: () => {}, targetFailed: () => {}, closed });

  // The kernel has not yet been told of the end: a reset is refused in this state, and the socket would stay open.
  const end = accepted.end.bind(accepted);
  accepted.end = () => {
    end();
    link.reset();
    return accepted;
  };
  await eventually(() => target.sockets.length === 1);
  target.sockets[0]?.end();

  await eventually(() => closed.mock.calls.length === 1);
  expect(["end", "ECONNRESET"]).toContain(await client.ended());
  listener.close();
});
