import { findImports } from "../checks/imports.ts";
import { packageOf } from "../checks/sources.ts";

/** A program in a README, as its reader would copy it. */
export interface ReadmeExample {
  readonly source: string;
  /** Packages that it imports, Node's own left out. */
  readonly imports: readonly string[];
  /** False for a block that dials a server, which is the reader's, or is marked `no_run`. */
  readonly runs: boolean;
}

export interface Readme {
  readonly examples: readonly ReadmeExample[];
  /** What its `npm install` line names, without versions. */
  readonly installs: readonly string[];
}

const dialsServer = /["'`]wss?:\/\//;

/** The blocks that import something and nothing relative are programs; the others are fragments of the reader's own. */
export function readReadme(text: string): Readme {
  const examples = [...text.matchAll(/^```ts( no_run)?\n(.*?)^```$/gms)].flatMap(([, noRun, source = ""]) => {
    const specifiers = findImports(source).map(({ specifier }) => specifier);
    if (specifiers.length === 0 || specifiers.some((specifier) => specifier.startsWith("."))) return [];
    const imports = new Set(specifiers.filter((name) => !name.startsWith("node:")).map(packageOf));
    return [{ source, imports: [...imports], runs: noRun === undefined && !dialsServer.test(source) }];
  });
  const installs = /^npm install (?!-)([^#\n]+)/m.exec(text)?.[1]?.trim().split(/\s+/) ?? [];
  // Versions are the workspace's; a README may pin one for its reader.
  return { examples, installs: installs.map((wanted) => wanted.replace(/(?<=.)@[^@/]+$/, "")) };
}
