import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type Driver, runCall } from "@db/core";
import { surreal } from "@db/surreal";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ExactCodec } from "../src/codec.ts";

const codec = new ExactCodec();
let server: Server;
let driver: Driver;
let cutSoon: PromiseWithResolvers<void>;
let slow: { readonly arrived: PromiseWithResolvers<void>; readonly gone: PromiseWithResolvers<void> };

beforeEach(async () => {
  cutSoon = Promise.withResolvers();
  slow = { arrived: Promise.withResolvers(), gone: Promise.withResolvers() };
  server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
    const { id, method, params } = codec.decode<{ id: number; method: string; params: readonly unknown[] }>(
      Buffer.concat(parts),
    );
    if (method === "version") response.end(codec.encode({ id, result: "surrealdb-3.0.2" }));
    else if (params[0] === "cut") cutSoon.promise.then(() => request.socket.destroy());
    else {
      request.socket.on("close", () => slow.gone.resolve());
      slow.arrived.resolve();
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  driver = surreal({ url: `http://127.0.0.1:${port}`, namespace: "n", database: "d" });
  await runCall({ timeoutMs: 5_000 }, (context) => driver.connect(context));
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

function ask(text: string): Promise<unknown> {
  return runCall({ timeoutMs: 20_000 }, (context) =>
    driver.statements.query({ kind: "query", text, params: {}, access: "read" }, context),
  ).catch((error: unknown) => error);
}

test("disconnect ends also what is under way beside a request that was lost", async () => {
  const answers = [ask("slow"), ask("cut")];
  await slow.arrived.promise;
  cutSoon.resolve();
  expect(await answers[1]).toMatchObject({ code: "CONNECTION_FAILED" });
  await runCall({ timeoutMs: 1_500 }, (context) => driver.disconnect(context));
  expect(await answers[0]).toMatchObject({ code: "CONNECTION_FAILED", effect: "none" });
  await slow.gone.promise;
});
