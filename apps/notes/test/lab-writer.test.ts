import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { Ledger } from "../lab/ledger.ts";
import { Writer } from "../lab/writer.ts";

/** A writer and the service that it writes to, which answers each note as told. */
async function start(answer: (response: ServerResponse) => void): Promise<{ writer: Writer; ledger: Ledger }> {
  const server = createServer((request, response) => {
    request.resume().once("end", () => answer(response));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const ledger = new Ledger("x");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { writer: new Writer({ url, ledger, rate: 100, run: "x" }), ledger };
}

test("an answer that the service must not give is kept for whoever waits, and does not end the lab", async () => {
  const { writer } = await start((response) => response.writeHead(500).end("{}"));
  await expect.poll(() => writer.settled().catch(String)).toContain("expected 201, 202 or 503, got 500");
  await expect(writer.stop()).rejects.toThrow("got 500");
});

test("a writer can be stopped while its service is gone", async () => {
  const { writer, ledger } = await start((response) => response.destroy());
  await expect.poll(() => ledger.tally.open).toBeGreaterThan(2);
  await writer.stop();
});
