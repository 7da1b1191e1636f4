import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { ConnectionPool } from "@db/pool";
import { retry } from "@db/retry";

const server = createServer((socket) => socket.pipe(socket)).listen(0, "127.0.0.1");
await once(server, "listening");
const { port } = server.address() as { readonly port: number };

await using pool = new ConnectionPool<Socket>({
  max: 4,
  acquireTimeoutMs: 500,
  create: async ({ signal, lost }) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.on("error", lost).on("close", lost);
    await once(socket, "connect", { signal });
    return socket;
  },
  destroy: (socket) => socket.destroy(),
});

const ask = (): Promise<string> =>
  pool.use(async (socket) => {
    socket.write("hello");
    return String((await once(socket, "data"))[0]);
  });
console.log(await retry(ask, { maxAttempts: 3 }));
server.close();
