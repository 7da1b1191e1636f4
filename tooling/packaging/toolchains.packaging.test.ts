import { globSync } from "node:fs";
import { expect, test } from "vitest";
import { root } from "../checks/workspace.ts";
import { installTool } from "./toolchains.ts";

test("a tool that cannot be had leaves nothing of it in the cache", async () => {
  const version = "0.0.0-of-nobody";
  await expect(installTool("typescript", version)).rejects.toThrow(version);
  expect(globSync(`node_modules/.cache/toolchains/typescript-${version}*`, { cwd: root })).toEqual([]);
});
