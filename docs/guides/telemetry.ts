import { createServer } from "node:http";
import { createDatabase } from "@db/core";
import { instrument } from "@db/metrics";
import { prometheus } from "@db/metrics/prometheus";
import { surreal } from "@db/surreal";
import { MeterProvider } from "@opentelemetry/sdk-metrics";

const { reader, handler, text } = prometheus();
const meterProvider = new MeterProvider({ readers: [reader] });
await using metrics = instrument({ level: "basic", meterProvider });
const server = createServer(handler).listen(0, "127.0.0.1"); // 9464 in earnest

await using db = createDatabase({ driver: surreal({ url: "mem://", namespace: "shop", database: "main" }) });
await db.connect();
await db.create("orders", { total: 12 });

console.log((await db.healthCheck()).status);
console.log(/^database_connection_state\{.*state="connected"\} 1$/m.test(await text()));
console.log(metrics.selfCheck().ok);
server.close();
