import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeDriver } from "@db/testing";
import { afterAll, describe, test } from "vitest";
import { sqlite } from "./sqlite-driver.ts";

const folder = mkdtempSync(join(tmpdir(), "db-sqlite-"));
let files = 0;

describeDriver({
  name: "the SQLite driver of the guide",
  connect: () => {
    files += 1;
    return sqlite({ path: join(folder, `${files}.db`) });
  },
  capabilities: {
    transactions: true,
    savepoints: false,
    idempotentWrites: true,
    liveQueries: false,
    scopes: false,
    queryLanguage: true,
  },
  runner: { describe, test, afterAll },
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));
