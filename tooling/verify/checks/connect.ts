import { setTimeout as sleep } from "node:timers/promises";
import { createDatabase } from "@db/core";
import { surreal } from "@db/surreal";
import { startSurreal } from "@db/testing";
import type { Check } from "../check.ts";
import { codeOf, timed } from "../measure.ts";
import { AT_SERVER, freePort } from "../place.ts";

const AWAY_MS = 1_500;
const STARTUP_MS = 1_000;

export const connect: Check = {
  name: "connect",
  about: "connecting waits for a database that comes late, and ends where waiting cannot help",
  async run({ claim, atMost }, { use, signal }) {
    const server = use(await startSurreal({ engine: "mem", signal }));
    await server.kill();
    const late = use(createDatabase({ driver: surreal({ ...AT_SERVER, url: server.url }) }));
    let connected = false;
    const connecting = late.connect({ signal }).then(() => {
      connected = true;
    });
    await sleep(AWAY_MS, undefined, { signal });
    claim(`connect() waits while nothing listens for ${AWAY_MS} ms`, !connected, connected ? "resolved" : "waits");
    const refused = await codeOf(late.count("notes"));
    claim("a call before the first connection is refused at once", refused === "SERVICE_UNAVAILABLE", refused);
    await server.restart();
    const { ms } = await timed(() => connecting);
    atMost("connected after the database listens", ms, 2_000, "ms");

    const strange = { ...AT_SERVER, url: server.url, authentication: { username: "root", password: "wrong" } };
    const wrong = use(createDatabase({ driver: surreal(strange) }));
    const denied = await timed(() => codeOf(wrong.connect({ signal })));
    claim("a wrong password ends it", denied.value === "AUTHENTICATION_FAILED", denied.value);
    atMost("… after", denied.ms, 2_000, "ms");

    const nowhere = surreal({ ...AT_SERVER, url: `ws://127.0.0.1:${await freePort()}` });
    const never = use(createDatabase({ driver: nowhere, startupMaxWaitMs: STARTUP_MS }));
    const ended = await timed(() => codeOf(never.connect({ signal })));
    claim("the longest wait at the start is kept", ended.value === "CONNECTION_FAILED", ended.value);
    atMost("… after", ended.ms, STARTUP_MS + 500, "ms");
  },
};
