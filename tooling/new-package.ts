// Makes a package in the standard shape: `npm run new-package -- NAME`.
import { parseArgs } from "node:util";
import { checkName, scaffold, UsageError } from "./scaffold.ts";

const usage = `Usage: npm run new-package -- NAME [--description TEXT]

Makes packages/NAME, published as @db/NAME, from tooling/template: a package that builds, has tests and passes
every check. Adds it to the references of tsconfig.json and, with no dependencies, to the table of
tooling/checks/allowed.ts.

Options:
  --description TEXT   one sentence for package.json and README.md
  --help               show this text
`;

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { description: { type: "string" }, help: { type: "boolean" } },
  });
  if (values.help === true) console.log(usage);
  else {
    const name = checkName(positionals);
    scaffold(name, values.description ?? `The ${name} of @db.`);
    console.log(nextSteps(name));
  }
} catch (error) {
  if (!(error instanceof UsageError) && !isBadArgument(error)) throw error;
  console.error(`new-package: ${error.message}\n\n${usage}`);
  process.exitCode = 2;
}

function nextSteps(name: string): string {
  return `Made packages/${name}. Next:

1. npm exec -- pnpm install             link it and add it to pnpm-lock.yaml
2. npm test                             green already
3. replace src/stopwatch.ts and its test by what the package is for, and the README with it
4. for each dependency: package.json, references of packages/${name}/tsconfig.json, its row in tooling/checks/allowed.ts
5. npm run changeset                    say what users get`;
}

function isBadArgument(error: unknown): error is Error {
  return error instanceof Error && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS");
}
