import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Project } from "../checks/test-files.ts";
import { readTestReport, type TestCounts } from "../checks/test-report.ts";
import { readManifest, root } from "../checks/workspace.ts";
import { run } from "./command.ts";
import { copyWorkspace, installCopy } from "./workspace-copy.ts";

/** Runs in a copy of the workspace, so that nothing of it shows in the tree whose tests these are. */
describe("a package made by `npm run new-package`", () => {
  const name = "sample-part";
  const description = 'Says "hello" & costs $& nothing.';
  let copy: string;

  beforeAll(async () => {
    copy = mkdtempSync(join(tmpdir(), "db-new-package-"));
    copyWorkspace(copy);
    await inCopy("npm", "run", "--silent", "new-package", "--", name, "--description", description);
    await installCopy(copy, "open");
  });

  afterAll(() => {
    rmSync(copy, { recursive: true, force: true });
  });

  test("carries its own name and description, and is no longer private", () => {
    const folder = join(copy, "packages", name);
    expect(readManifest(folder)).toMatchObject({ name: `@db/${name}`, description });
    expect(readManifest(folder).private).toBeUndefined();
    expect(readFileSync(join(folder, "README.md"), "utf8")).toMatch(`# @db/${name}\n\n${description}\n`);
  });

  test("is formatted and linted", async () => {
    await inCopy("biome", "ci", "--error-on-warnings", `packages/${name}`, "tsconfig.json", "tooling");
  });

  test("type-checks, its tests included", async () => {
    await inCopy("tsc", "-b");
  });

  test("exports what its report says, and a change of the surface is refused with its diff", async () => {
    const check = ["npm", "run", "--silent", "api", "--", "--check"] as const;
    await inCopy(...check);
    const source = join(copy, "packages", name, "src/stopwatch.ts");
    const before = readFileSync(source, "utf8");
    writeFileSync(source, before.replace("elapsedMs(): number {", "elapsedMs(_precise?: boolean): number {"));
    await expect(inCopy(...check)).rejects.toThrow(
      /^-\s+elapsedMs\(\): number;\n\+\s+elapsedMs\(_precise\?: boolean\)/m,
    );
    writeFileSync(source, before);
    await inCopy(...check);
  });

  test("leaves nothing unused", async () => {
    await inCopy("knip", "--workspace", `packages/${name}`);
  });

  test("passes its own tests", async () => {
    await expectGreen("unit", `packages/${name}`);
  });

  test("passes the dependency rule and the check of its shape", async () => {
    const counts = await expectGreen("unit", "tooling/checks", "-t", `packages/${name}$`);
    expect(counts.passed).toBe(2);
  });

  test("passes every check of packaging", async () => {
    await expectGreen("packaging", "tooling/packaging/packages", "-t", `packages/${name}, packed`);
  });

  test.each([
    [[], "expected one NAME, got none"],
    [["one", "two"], "expected one NAME, got one two"],
    [["WriteQueue"], "expected NAME in lower case"],
    [["../core"], "expected NAME in lower case"],
    [[name], `packages/${name} exists`],
    [["template"], "tooling/template exists"],
    [["part", "--colour"], "Unknown option '--colour'"],
  ])("the arguments %j are refused, and change nothing", async (args, message) => {
    const before = readFileSync(join(copy, "tsconfig.json"), "utf8");
    await expect(inCopy("npm", "run", "--silent", "new-package", "--", ...args)).rejects.toThrow(message);
    expect(readFileSync(join(copy, "tsconfig.json"), "utf8")).toBe(before);
    expect(existsSync(join(copy, "packages/part"))).toBe(false);
  });

  /** A filter that matches nothing would be green too, so the tests are counted. */
  async function expectGreen(project: Project, ...filters: string[]): Promise<TestCounts> {
    const reportFile = join(copy, `${project}.log`);
    await inCopy("vitest", "run", "--project", project, "--reporter=json", `--outputFile=${reportFile}`, ...filters);
    const counts = readTestReport(readFileSync(reportFile, "utf8"));
    expect(counts.failed).toBe(0);
    expect(counts.passed).toBeGreaterThan(0);
    return counts;
  }

  function inCopy(program: string, ...args: string[]): Promise<string> {
    return run([program, ...args], copy, existsSync(join(copy, "node_modules")) ? copy : root);
  }
});
