import { startSurreal } from "@db/testing";

/** Starts a server, tells its pid and folder, and then stays, leaves without having closed it, or throws. */
const [then, before] = process.argv.slice(2);
const server = await startSurreal({ engine: "surrealkv" });
const { pid, path } = server;
if (before === "pause") server.pause();
if (before === "kill") await server.kill();
process.stdout.write(`${JSON.stringify({ pid, path })}\n`);
if (then === "stay") setInterval(() => {}, 1_000);
if (then === "throw") throw new Error("on purpose");
