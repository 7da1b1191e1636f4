import { setTimeout as sleep } from "node:timers/promises";
import { attemptTimeout, createDatabase, type DatabaseService, isDatabaseError, type Layer } from "@db/core";
import { surreal } from "@db/surreal";
import { FaultProxy, startSurreal } from "@db/testing";
import type { Check } from "../check.ts";
import { codeOf, timed } from "../measure.ts";
import { AT_SERVER } from "../place.ts";

const TIMEOUT_MS = 400;
/** What a call may take beyond its time. */
const SLACK_MS = 250;

export const timeouts: Check = {
  name: "timeouts",
  about: "every call ends in its time, also where nothing ever answers, and says what became of the data",
  async run({ claim, atMost }, { use, signal }) {
    const server = use(await startSurreal({ engine: "mem", signal }));
    const proxy = use(await FaultProxy.start({ target: { port: server.port } }));
    const open = (layers: readonly Layer[]): DatabaseService =>
      use(
        createDatabase({
          driver: surreal({ ...AT_SERVER, url: proxy.url(server.url) }),
          timeoutMs: TIMEOUT_MS,
          layers,
        }),
      );
    const db = open([]);
    await db.connect({ signal, timeoutMs: 10_000 });
    await db.create("notes", { n: 1 }, { id: "notes:1", timeoutMs: 5_000 });

    const slow = await timed(() => codeOf(db.query("SLEEP 3s", {}, { access: "read" })));
    claim("a query that takes too long is QUERY_TIMEOUT", slow.value === "QUERY_TIMEOUT", slow.value);
    atMost(`… with ${TIMEOUT_MS} ms to go, after`, slow.ms, TIMEOUT_MS + SLACK_MS, "ms");

    await proxy.set("black-hole");
    const read = await timed(() => codeOf(db.read("notes:1")));
    claim("a read into a black hole ends", read.value === "QUERY_TIMEOUT", read.value);
    atMost("… after", read.ms, TIMEOUT_MS + SLACK_MS, "ms");
    const write = await timed(() => db.update("notes:1", { n: 2 }).catch((thrown: unknown) => thrown));
    const effect = isDatabaseError(write.value) ? write.value.effect : "not an error";
    claim("a write says that its effect is unknown", effect === "unknown", effect);
    atMost("… after", write.ms, TIMEOUT_MS + SLACK_MS, "ms");
    const gone = new AbortController();
    const cancelled = timed(() => codeOf(db.read("notes:1", { signal: gone.signal, timeoutMs: 30_000 })));
    await sleep(100, undefined, { signal });
    gone.abort();
    const { value, ms } = await cancelled;
    claim("a call whose caller leaves is CANCELLED", value === "CANCELLED", value);
    atMost("… after", ms, 100 + SLACK_MS, "ms");
    await proxy.set("up");

    const limited = open([attemptTimeout({ timeoutMs: 150 })]);
    await limited.connect({ signal, timeoutMs: 10_000 });
    const attempt = await timed(() => codeOf(limited.query("SLEEP 3s", {}, { access: "read", timeoutMs: 5_000 })));
    atMost(`an attempt with a limit of 150 ms (${attempt.value})`, attempt.ms, 150 + SLACK_MS, "ms");
  },
};
