import { startSurreal } from "@db/testing";

/** Starts a server, tells its pid and folder, and then stays, leaves without having closed it, or throws. */
const [then, paused] = process.argv.slice(2);
const server = await startSurreal({ engine: "rocksdb" });
if (paused === "pause") server.pause();
process.stdout.write(`${JSON.stringify({ pid: server.pid, path: server.path })}\n`);
if (then === "stay") setInterval(() => {}, 1_000);
if (then === "throw") throw new Error("on purpose");
