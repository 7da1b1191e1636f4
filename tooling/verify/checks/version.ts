import { createDatabase, VersionChecker } from "@db/core";
import { surreal } from "@db/surreal";
import { startSurreal } from "@db/testing";
import type { Check } from "../check.ts";
import { codeOf, quickest } from "../measure.ts";
import { AT_SERVER } from "../place.ts";

const AT_ONCE_MS = 2_000;

export const version: Check = {
  name: "version",
  about: "a server of a wrong version is refused at once, one of the right version says which",
  async run({ claim, atMost }, { use, signal }) {
    const server = use(await startSurreal({ engine: "mem", signal }));
    const right = use(createDatabase({ driver: surreal({ ...AT_SERVER, url: server.url }) }));
    await right.connect({ signal });
    const reported = await right.version();
    const { verdict } = new VersionChecker({ range: ">=2.1.0 <4.0.0", tested: ["3.0.2"] }).check(reported);
    claim("the version that the tests ran on is known as such", verdict === "tested", `${reported}: ${verdict}`);

    await server.fault({ version: "surrealdb-1.5.4" });
    const old = use(createDatabase({ driver: surreal({ ...AT_SERVER, url: server.url }) }));
    const refused = await quickest(AT_ONCE_MS, () => codeOf(old.connect({ signal })));
    claim("an old server is UNSUPPORTED_VERSION", refused.value === "UNSUPPORTED_VERSION", refused.value);
    atMost("… after", refused.ms, AT_ONCE_MS, "ms");
    await server.heal();
    const narrow = surreal({ ...AT_SERVER, url: server.url, serverVersions: ">=9.0.0" });
    const strict = use(createDatabase({ driver: narrow }));
    const own = await codeOf(strict.connect({ signal }));
    claim("… and so is one outside of a range of one's own", own === "UNSUPPORTED_VERSION", own);
  },
};
