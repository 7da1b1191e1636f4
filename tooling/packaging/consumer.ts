import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Manifest, Member } from "../checks/workspace.ts";
import { run, tryToRun } from "./command.ts";
import type { Door } from "./doors.ts";
import type { Tarball } from "./tarball.ts";

/** What a consumer can be given instead of the registry. */
export interface Shelf {
  readonly tarballs: ReadonlyMap<string, Tarball>;
  /** Versions of third-party packages. */
  readonly catalog: ReadonlyMap<string, string>;
}

/** A program outside the workspace that installed the package from its tarball, as a user does. */
export class Consumer {
  readonly #folder: string;
  readonly #doors: readonly Door[];

  private constructor(folder: string, doors: readonly Door[]) {
    this.#folder = folder;
    this.#doors = doors;
  }

  static async install(folder: string, member: Member, doors: readonly Door[], shelf: Shelf): Promise<Consumer> {
    mkdirSync(folder, { recursive: true });
    const names = [member.manifest.name, ...doors.flatMap((door) => door.optionalPeers)];
    const dependencies = collect([...new Set(names)], shelf);
    // Node's own types are what a program on Node has in any case.
    dependencies["@types/node"] = shelf.catalog.get("@types/node") ?? "*";
    const manifest = { name: "consumer", version: "1.0.0", private: true, type: "module", dependencies };
    writeFileSync(join(folder, "package.json"), JSON.stringify(manifest, null, 2));
    await run(
      ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--prefer-offline", "--loglevel=error"],
      folder,
    );
    return new Consumer(folder, doors);
  }

  /** The names that each door exports at run time; the process must end by itself. */
  async import(door: Door): Promise<readonly string[]> {
    return listExports(door.specifier, this.#folder);
  }

  /**
   * Type-checks a program of two lines for each door and every declaration file that it reaches, and gives what the
   * compiler has against the program and against our own declarations. Those of others are theirs to mend.
   */
  async typeCheck(): Promise<readonly string[]> {
    const lines = this.#doors.map(
      ({ specifier }, index) =>
        `import * as door${index} from "${specifier}";\nexport const names${index}: readonly string[] = Object.keys(door${index});\n`,
    );
    writeFileSync(join(this.#folder, "consumer.ts"), lines.join(""));
    const compilerOptions = {
      target: "ES2024",
      module: "nodenext",
      types: ["node"],
      strict: true,
      skipLibCheck: false,
      noEmit: true,
    };
    writeFileSync(join(this.#folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["consumer.ts"] }));
    const { exitCode, output } = await tryToRun(
      ["tsc", "--project", "tsconfig.json", "--pretty", "false"],
      this.#folder,
    );
    const diagnostics = output.split("\n").filter((line) => /error TS\d+:/.test(line));
    if (exitCode !== 0 && diagnostics.length === 0) throw new Error(`expected tsc to say what is wrong, got ${output}`);
    return diagnostics.filter((line) => !/^node_modules\/(?!@db\/)/.test(line));
  }
}

export async function listExports(specifier: string, cwd: string): Promise<readonly string[]> {
  const program = `console.log(JSON.stringify(Object.keys(await import(${JSON.stringify(specifier)})).sort()))`;
  const args: [string, ...string[]] = [
    "node",
    "--disable-warning=ExperimentalWarning",
    "--input-type=module",
    "--eval",
    program,
  ];
  return JSON.parse(await run(args, cwd));
}

/** The packages themselves and all that they need and npm cannot get: our own from tarballs, peers at our versions. */
function collect(names: readonly string[], shelf: Shelf): Record<string, string> {
  const collected: Record<string, string> = {};
  const open = names.map((name) => ({ name, range: "*" }));
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { name, range } = next;
    if (collected[name] !== undefined) continue;
    const tarball = shelf.tarballs.get(name);
    collected[name] = tarball === undefined ? (shelf.catalog.get(name) ?? range) : `file:${tarball.file}`;
    if (tarball === undefined) continue;
    for (const [peer, peerRange] of requiredPeers(tarball.manifest)) open.push({ name: peer, range: peerRange });
    for (const own of Object.keys(tarball.manifest.dependencies ?? {})) {
      if (shelf.tarballs.has(own)) open.push({ name: own, range: "*" });
    }
  }
  return collected;
}

function requiredPeers({ peerDependencies = {}, peerDependenciesMeta = {} }: Manifest): readonly [string, string][] {
  return Object.entries(peerDependencies).filter(([name]) => peerDependenciesMeta[name]?.optional !== true);
}
