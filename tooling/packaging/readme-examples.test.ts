import { expect, test } from "vitest";
import { readReadme } from "./readme-examples.ts";

const fence = "```";

test("programs are told from fragments, and those that need a server from those that run", () => {
  const readme = [
    `${fence}ts\nimport { a } from "@db/a/door";\nimport assert from "node:assert";\na(assert);\n${fence}`,
    `${fence}ts\ncreateDatabase({ driver });\n${fence}`,
    `${fence}ts\nimport { own } from "../src/index.ts";\n${fence}`,
    `${fence}ts no_run\nimport { b } from "b";\n${fence}`,
    `${fence}ts\nimport { c } from "c";\nc("ws://127.0.0.1:8000");\n${fence}`,
    `${fence}sh\nnpm install @db/a b@1.2 @c/d@^3\n${fence}`,
  ].join("\n\n");
  const { examples, installs } = readReadme(readme);
  expect(examples.map(({ imports, runs }) => ({ imports, runs }))).toEqual([
    { imports: ["@db/a"], runs: true },
    { imports: ["b"], runs: false },
    { imports: ["c"], runs: false },
  ]);
  expect(installs).toEqual(["@db/a", "b", "@c/d"]);
});
