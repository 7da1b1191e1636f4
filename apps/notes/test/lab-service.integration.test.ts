import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { Service } from "../lab/service.ts";
import { temporaryFolder } from "./child-service.ts";

test("another service on the lab's port is not taken for the lab's own", async () => {
  const asked: (string | undefined)[] = [];
  const other = createServer((request, response) => {
    asked.push(request.url);
    response.end('{"status":"pass"}');
  });
  await new Promise<void>((resolve) => {
    other.listen(0, "127.0.0.1", resolve);
  });
  onTestFinished(() => {
    other.close();
    other.closeAllConnections();
  });
  const { port } = other.address() as AddressInfo;
  const service = new Service(port, { SURREAL_URL: "mem://", DATA_DIR: await temporaryFolder(), LOG_LEVEL: "silent" });
  onTestFinished(() => service.kill());
  await expect(service.start()).rejects.toThrow(`port ${port} of 127.0.0.1 is taken by another program`);
  expect(asked).toEqual([]);
});

test("the lab's service is started, killed and started again", async () => {
  const service = new Service(0, { SURREAL_URL: "mem://", DATA_DIR: await temporaryFolder(), LOG_LEVEL: "silent" });
  onTestFinished(() => service.kill());
  await service.start();
  await service.kill();
  await service.start();
  await service.stop();
});
