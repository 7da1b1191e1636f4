import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Driver } from "@db/core";
import { type Engine, surreal } from "@db/surreal";
import { afterAll } from "vitest";

export const ENGINES: readonly Engine[] = ["mem", "surrealkv", "rocksdb"];

const made: string[] = [];
afterAll(() => {
  for (const folder of made) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
});

/**
 * An empty folder that no other test uses: a rocksdb path cannot be opened twice in one process. It goes with the
 * last test of the file.
 */
export function freshPath(): string {
  const folder = mkdtempSync(join(tmpdir(), "db-surreal-"));
  made.push(folder);
  return folder;
}

export function urlOf(engine: Engine, path?: string): string {
  return engine === "mem" ? "mem://" : `${engine}://${path ?? freshPath()}`;
}

export function driverOf(engine: Engine, path?: string): Driver {
  return surreal({ url: urlOf(engine, path), namespace: "test", database: "test" });
}
