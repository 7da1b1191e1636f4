import { createDatabase, type Driver } from "@db/core";
import type { TlsOptions } from "@db/surreal";
import { type SurrealServer, startSurreal } from "@db/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { remoteDriver } from "./support/server.ts";
import { CERTIFICATE, tlsFront } from "./support/tls.ts";

let server: SurrealServer;

beforeAll(async () => {
  server = await startSurreal();
});
afterAll(() => server.close());

describe.each(["wss", "https"])("over %s", (scheme) => {
  const driverAt = (port: number, tls?: TlsOptions): Driver =>
    remoteDriver(`${scheme}://localhost:${port}`, { connectTimeoutMs: 1_000, ...(tls === undefined ? {} : { tls }) });

  test("a certificate that is trusted is talked to", async () => {
    await using front = await tlsFront(server.port);
    await using db = createDatabase({ driver: driverAt(front.port, { ca: CERTIFICATE }) });
    await db.connect();
    const { id } = await db.create("notes", { n: 1 });
    expect(await db.read(id)).toEqual({ id, n: 1 });
  });

  test.each([
    ["is not trusted", undefined],
    ["is another's", { ca: CERTIFICATE, servername: "elsewhere" }],
  ] as const)("one that %s ends the start at once: waiting does not change it", async (_, tls) => {
    await using front = await tlsFront(server.port);
    await using db = createDatabase({ driver: driverAt(front.port, tls) });
    await expect(db.connect({ timeoutMs: 20_000 })).rejects.toMatchObject({
      code: "CONNECTION_FAILED",
      retryable: false,
    });
  });
});
