import { globSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { anchors, deadLinks, localLinks } from "./markdown-links.ts";
import { root } from "./workspace.ts";

const written = ["*.md", ".changeset/*.md", "docs/**/*.md", "packages/*/*.md", "apps/*/*.md", "tooling/*/*.md"];
const files = globSync(written, { cwd: root, exclude: ["**/node_modules/**"] });

test("there are texts to look at", () => {
  expect(files).toEqual(expect.arrayContaining(["README.md", "docs/guides/operating.md", "packages/core/README.md"]));
});

test.each(files)("every link of %s into the repository leads somewhere", (file) => {
  expect(deadLinks(file)).toEqual([]);
});

test("a missing file and a missing heading are told, and what is in code is no link", () => {
  const folder = mkdtempSync(join(tmpdir(), "db-links-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "there.md"), "# Two words, `code`!\n");
  const links = ["there.md#two-words-code", "there.md#three", "gone.md", "#here", "https://example.com/gone"];
  const text = `# Here\n${links.map((link) => `[x](${link})`).join("\n")}\n\`f[0](gone)\`\n`;
  writeFileSync(join(folder, "page.md"), `${text}\`\`\`ts\nf[0](gone)\n\`\`\`\n`);
  expect(localLinks(text)).toEqual(links.slice(0, 4));
  expect(deadLinks("page.md", folder)).toEqual([
    "page.md: expected a heading for #three in there.md",
    "page.md: expected gone.md to exist, for the link gone.md",
  ]);
});

test("headings of one text get different anchors", () => {
  expect([...anchors("# Options\n## Options\n```sh\n# no heading\n```\n")]).toEqual(["options", "options-1"]);
});
