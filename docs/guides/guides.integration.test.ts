import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";

const folder = fileURLToPath(new URL(".", import.meta.url));
const names = readdirSync(folder);
const guides = names.filter((name) => name.endsWith(".md"));
const programs = new Map(
  names
    .filter((name) => name.endsWith(".ts"))
    .map((name) => [readFileSync(join(folder, name), "utf8"), join(folder, name)]),
);

/** A program of a guide, and what the guide says that it prints. */
interface Block {
  readonly source: string;
  readonly prints: string | undefined;
}

function blocksOf(guide: string): readonly Block[] {
  const blocks = readFileSync(join(folder, guide), "utf8").matchAll(/```ts\n(.*?)```\n(?:\n```text\n(.*?)```)?/gs);
  return [...blocks].map(([, source = "", prints]) => ({ source, prints }));
}

describe.each(guides)("%s", (guide) => {
  const blocks = blocksOf(guide);

  test.runIf(blocks.length > 0)("each of its programs is a file here, which is compiled with everything else", () => {
    for (const { source } of blocks) expect([...programs.keys()]).toContain(source);
  });

  test.each(blocks.map(({ source, prints }) => [programs.get(source)?.slice(folder.length), prints, source] as const))(
    "%s runs, ends by itself, and prints what the guide says",
    async (_name, prints, source) => {
      const cwd = mkdtempSync(join(tmpdir(), "db-guide-"));
      onTestFinished(() => rmSync(cwd, { recursive: true, force: true }));
      const args = ["--disable-warning=ExperimentalWarning", programs.get(source) ?? ""];
      const { stdout } = await promisify(execFile)(process.execPath, args, { cwd, timeout: 25_000 });
      if (prints !== undefined) expect(stdout).toBe(prints);
    },
  );
});
