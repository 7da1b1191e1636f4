import { once } from "node:events";
import { createServer } from "node:http";
import { listen } from "./surreal-listen.ts";

/** A port of the loopback interface that nobody listens on now. Another may take it before it is used. */
export async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server, 0);
  server.close();
  await once(server, "close");
  return port;
}
