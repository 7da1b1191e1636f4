import { cpSync } from "node:fs";
import { basename } from "node:path";
import { root } from "../checks/workspace.ts";
import { run } from "./command.ts";

const notCopied = new Set([".git", "node_modules", "dist", ".turbo", "coverage", "data", "results"]);

/** Copies the workspace without what is made from it, so that nothing that is done there shows in this tree. */
export function copyWorkspace(destination: string): void {
  cpSync(root, destination, { recursive: true, filter: (path) => !notCopied.has(basename(path)) });
}

/** Installs a copy with the pinned pnpm of this tree; quick, as the store has every package already. */
export async function installCopy(copy: string, lockfile: "frozen" | "open"): Promise<void> {
  const flag = lockfile === "frozen" ? "--frozen-lockfile" : "--no-frozen-lockfile";
  await run(["pnpm", "install", flag, "--prefer-offline", "--reporter=silent"], copy, root);
}
