// What each package costs who installs it: `npm run sizes`.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { readCatalog } from "../checks/workspace.ts";
import { Consumer } from "./consumer.ts";
import { Interruption } from "./interruption.ts";
import { budgetFile, budgetFor, formatSizes, measure, overspending, readBudget, type Size } from "./size.ts";
import { stage } from "./stage.ts";

const usage = `Usage: npm run sizes [-- --update]

Packs every published package, installs each alone with npm in an empty folder, and prints what it costs beside
tooling/packaging/budget.json. Exits with 1 where one costs more than it may.

Options:
  --update   write a budget from what is there now, with a fifth of room
  --help     show this text
`;

const interruption = new Interruption();

try {
  const { values } = parseArgs({ options: { update: { type: "boolean" }, help: { type: "boolean" } } });
  if (values.help === true) console.log(usage);
  else process.exitCode = await main(values.update === true);
} catch (error) {
  if (interruption.by !== undefined) console.error(`sizes: interrupted by ${interruption.by}`);
  else if (!(error instanceof Error && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS"))) throw error;
  else console.error(`sizes: ${error.message}\n\n${usage}`);
  process.exitCode = interruption.exitCode ?? 2;
}

async function main(update: boolean): Promise<number> {
  const scratch = mkdtempSync(join(tmpdir(), "db-sizes-"));
  try {
    const { packages } = await stage(scratch, undefined, (step) => console.error(`sizes: ${step} …`));
    const tarballs = new Map(packages.map(({ member, tarball }) => [member.manifest.name, tarball]));
    const sizes = new Map<string, Size>();
    for (const [index, [name, tarball]] of [...tarballs].entries()) {
      console.error(`sizes: installing and importing ${name} …`);
      const consumer = new Consumer(join(scratch, `alone-${index}`), { tarballs, catalog: readCatalog() });
      await consumer.install([name]);
      sizes.set(name, await measure(name, tarball, consumer.folder));
    }
    console.log(formatSizes(sizes));
    const budget = readBudget();
    if (update) writeFileSync(budgetFile, `${JSON.stringify(budgetFor(sizes, budget), null, 2)}\n`);
    const faults = update ? [] : [...sizes].flatMap(([name, size]) => overspending(name, size, budget));
    for (const fault of faults) console.error(fault);
    return faults.length === 0 ? 0 : 1;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
