import type { AddressInfo } from "node:net";
import { createServer } from "node:net";

/** Who to be at the server of the checks, and where in it. */
export const AT_SERVER = {
  namespace: "verify",
  database: "verify",
  authentication: { username: "root", password: "root" },
} as const;

/** A port that nothing listens on at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve());
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
