import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readCatalog, root } from "../checks/workspace.ts";
import { run } from "./command.ts";

/** What users compile and run with: the oldest that is supported, beside the pinned tools of this workspace. */
export const oldest: { readonly node: string; readonly typescript: string } = { node: "22.15.0", typescript: "5.9.3" };

export interface Tool {
  /** `node 22.15.0`, `typescript 7.0.2`. */
  readonly name: string;
  /** What comes before the arguments. */
  readonly command: readonly [string, ...string[]];
}

export interface Toolchains {
  readonly compilers: readonly Tool[];
  readonly nodes: readonly Tool[];
}

/** Installs what is not there yet into the cache of `node_modules`; the registry is asked for it once. */
export async function prepareToolchains(): Promise<Toolchains> {
  const node = await installTool("node", oldest.node);
  const typescript = await installTool("typescript", oldest.typescript);
  const pinned = readCatalog();
  const current = join(root, "node_modules/.bin/node");
  return {
    compilers: [
      { name: `typescript ${oldest.typescript}`, command: [current, join(typescript, "bin/tsc")] },
      { name: `typescript ${pinned.get("typescript")}`, command: [join(root, "node_modules/.bin/tsc")] },
    ],
    nodes: [
      { name: `node ${oldest.node}`, command: [join(node, "bin/node")] },
      { name: `node ${pinned.get("node")}`, command: [current] },
    ],
  };
}

/** The folder of a package that is a tool, in a version or range of npm's. */
export async function installTool(name: string, version: string): Promise<string> {
  const home = join(root, "node_modules/.cache/toolchains", `${name}-${version}`);
  if (!existsSync(home)) {
    // Made aside and moved, so that an interrupted install is never taken for a whole one.
    const draft = `${home}.draft-${process.pid}`;
    try {
      mkdirSync(draft, { recursive: true });
      writeFileSync(join(draft, "package.json"), JSON.stringify({ private: true, dependencies: { [name]: version } }));
      await run(["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"], draft);
      // Another program may have been as quick.
      if (!existsSync(home)) renameSync(draft, home);
    } finally {
      rmSync(draft, { recursive: true, force: true });
    }
  }
  return join(home, "node_modules", name);
}
