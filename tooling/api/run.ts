// The reports of what each package exports: `npm run api`.
import { globSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Member, publishedMembers, root } from "../checks/workspace.ts";
import { run } from "../packaging/command.ts";
import { compareDoors, reportedDoors, reportFolder } from "./door-report.ts";

const usage = `Usage: npm run api [-- --check]

Writes what each published package exports, names and types, to packages/NAME/api/DOOR.api.md. The reports are
committed, so that a change of the public surface is a diff that a reviewer sees.

Options:
  --check   write nothing, print what differs, exit with 1 if anything does
  --help    show this text
`;

try {
  const { values } = parseArgs({ options: { check: { type: "boolean" }, help: { type: "boolean" } } });
  if (values.help === true) console.log(usage);
  else process.exitCode = await main(values.check !== true);
} catch (error) {
  if (!(error instanceof Error && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS"))) throw error;
  console.error(`api: ${error.message}\n\n${usage}`);
  process.exitCode = 2;
}

async function main(update: boolean): Promise<number> {
  const members = publishedMembers();
  await run(["tsc", "-b", ...members.map(({ folder }) => folder)], root);
  const doors = members.flatMap(reportedDoors);
  // Always the same, for whoever is interrupted removes nothing.
  const scratch = join(root, "node_modules/.cache/api");
  const changes = compareDoors(doors, { base: root, scratch, update });
  for (const { door, diff } of changes) {
    const file = `${door.member.folder}/${door.report}`;
    console.log(diff === undefined ? `${file}: ${update ? "new" : "missing"}` : `${file}: changed\n${diff}`);
  }
  const orphans = orphaned(members);
  for (const file of orphans) {
    console.log(`${file}: ${update ? "removed, its door is gone" : "expected a door for this report, got none"}`);
    if (update) rmSync(join(root, file));
  }
  const count = changes.length + orphans.length;
  if (count === 0) console.log(`${doors.length} doors, all as their reports say.`);
  else if (!update) console.log("\nIf this is meant, run `npm run api` and commit the reports with the change.");
  return update || count === 0 ? 0 : 1;
}

function orphaned(members: readonly Member[]): readonly string[] {
  return members.flatMap((member) => {
    const reports = new Set(reportedDoors(member).map(({ report }) => report));
    return globSync(`${reportFolder}/*.api.md`, { cwd: join(root, member.folder) })
      .map((file) => file.replaceAll("\\", "/"))
      .filter((file) => !reports.has(file))
      .map((file) => `${member.folder}/${file}`);
  });
}
