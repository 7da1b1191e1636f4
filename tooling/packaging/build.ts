import { globSync, rmSync } from "node:fs";
import { join } from "node:path";
import { listSources, type Member, root } from "../checks/workspace.ts";
import { run } from "./command.ts";

/**
 * Builds the members. `tsc` never removes what a source that is gone was compiled to, and turbo's cache keeps it too,
 * so a `dist` with leftovers is removed and everything built anew: otherwise it would be published.
 */
export async function build(members: readonly Member[]): Promise<void> {
  const stale = members.filter(hasLeftovers);
  for (const { folder } of stale) rmSync(join(root, folder, "dist"), { recursive: true, force: true });
  const force = stale.length > 0 ? ["--force"] : [];
  await run(["turbo", "run", "build", "--output-logs=errors-only", ...force], root);
}

function hasLeftovers(member: Member): boolean {
  const nouns = new Set(listSources(member, "src").map((path) => path.slice("src/".length, -".ts".length)));
  return globSync("**/*.js", { cwd: join(root, member.folder, "dist") }).some(
    (path) => !nouns.has(path.replaceAll("\\", "/").slice(0, -".js".length)),
  );
}
