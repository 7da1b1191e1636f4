import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Driver } from "@db/core";
import { type Engine, surreal } from "@db/surreal";

export const ENGINES: readonly Engine[] = ["mem", "surrealkv", "rocksdb"];

/** An empty folder that no other test uses: a rocksdb path cannot be opened twice in one process. */
export function freshPath(): string {
  return mkdtempSync(join(tmpdir(), "db-surreal-"));
}

export function urlOf(engine: Engine, path: string = freshPath()): string {
  return engine === "mem" ? "mem://" : `${engine}://${path}`;
}

export function driverOf(engine: Engine, path?: string): Driver {
  return surreal({ url: urlOf(engine, path), namespace: "test", database: "test" });
}
