import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Made by Node, pnpm and testcontainers for themselves. */
const kept = /^(node-compile-cache|pnpm-|testcontainers-node)/;

/**
 * Around each run of vitest: temporary files go to a folder of the run, which it removes. A run that leaves something
 * there fails with its name, as one day it would be a machine's full disk.
 */
export default function useScratch(): () => void {
  const scratch = mkdtempSync(join(tmpdir(), "db-tests-"));
  const before = process.env.TMPDIR;
  process.env.TMPDIR = scratch;
  return () => {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
    const left = readdirSync(scratch).filter((name) => !kept.test(name));
    rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
    if (left.length > 0) throw new Error(`expected the tests to remove their temporary files, got ${left.join(", ")}`);
  };
}
