import { expect, test } from "vitest";
import { root } from "../checks/workspace.ts";
import { run } from "../packaging/command.ts";

test("comparing the reports needs no temporary folder, which an interrupted run would leave", async () => {
  const output = await run(["env", "TMPDIR=/nowhere", "node", "tooling/api/run.ts", "--check"], root);
  expect(output).toMatch(/^\d+ doors, all as their reports say\.$/m);
});
