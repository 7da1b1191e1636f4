import { execFile } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const packages = new URL("../../", import.meta.url);

interface Manifest {
  readonly name: string;
  readonly exports: Readonly<Record<string, string>>;
}

/** Every door of every package, as this workspace has them. */
const doors = globSync("*/package.json", { cwd: fileURLToPath(packages) }).flatMap((path) => {
  const url = new URL(path, packages);
  const { name, exports } = JSON.parse(readFileSync(url, "utf8")) as Manifest;
  const entries = Object.values(exports).filter((target) => target.endsWith(".ts"));
  return entries.map((target) => ({ name, url: new URL(target, url).href }));
});

/** Loads the modules and prints the address of every file that came with them. */
const program = `
  import { registerHooks } from "node:module";
  const loaded = new Set();
  registerHooks({
    load(url, context, next) {
      loaded.add(url);
      return next(url, context);
    },
  });
  for (const url of process.argv.slice(1)) await import(url);
  process.stdout.write([...loaded].join("\\n"), () => process.exit());
`;

async function filesOf(urls: readonly string[]): Promise<string> {
  const args = ["--disable-warning=ExperimentalWarning", "--input-type=module", "--eval", program, ...urls];
  return (await promisify(execFile)(process.execPath, args, { maxBuffer: 100_000_000 })).stdout;
}

/** The sources of some packages have syntax that Node 22 cannot read without a compiler. */
const readsSources = Number.parseInt(process.versions.node, 10) >= 24;

test.skipIf(!readsSources)(
  "no other package loads OpenTelemetry, at any of its doors",
  { timeout: 60_000 },
  async () => {
    const others = doors.filter(({ name }) => name !== "@db/metrics").map(({ url }) => url);
    expect(others.length).toBeGreaterThanOrEqual(7);
    const files = await filesOf(others);
    expect(files).toContain("packages/core/src/index.ts");
    expect(files).not.toContain("opentelemetry");
  },
);

test("the main door needs no SDK and no exporter", { timeout: 60_000 }, async () => {
  const own = doors.filter(({ name }) => name === "@db/metrics").map(({ url }) => url);
  const files = await filesOf(own.filter((url) => url.endsWith("index.ts")));
  expect(files).toContain("@opentelemetry/api");
  expect(files).not.toMatch(/@opentelemetry\/(sdk|exporter)/);
  // The test would not see anything otherwise.
  expect(await filesOf(own)).toContain("@opentelemetry/exporter-prometheus");
});
