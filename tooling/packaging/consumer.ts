import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { requiredPeers } from "../checks/workspace.ts";
import { run, tryToRun } from "./command.ts";
import type { ReadmeExample } from "./readme-examples.ts";
import type { Tarball } from "./tarball.ts";
import type { Tool } from "./toolchains.ts";

/** What a consumer can be given instead of the registry. */
export interface Shelf {
  readonly tarballs: ReadonlyMap<string, Tarball>;
  /** Versions of third-party packages. */
  readonly catalog: ReadonlyMap<string, string>;
}

export interface InstallOptions {
  /** Of package.json. */
  readonly overrides?: Readonly<Record<string, string>>;
  /** False leaves out the peers of third parties; what ours need comes in any case. */
  readonly peers?: boolean;
}

export type Resolution = "nodenext" | "bundler";

/** An empty project outside the workspace that installs packages from their tarballs with npm, as users do. */
export class Consumer {
  readonly folder: string;
  readonly #shelf: Shelf;

  constructor(folder: string, shelf: Shelf) {
    mkdirSync(folder, { recursive: true });
    this.folder = folder;
    this.#shelf = shelf;
  }

  /** Installs packages and, unless told, their required peers, in place of what was wanted before. */
  async install(names: readonly string[], options: InstallOptions = {}): Promise<void> {
    const { overrides = {}, peers = true } = options;
    const dependencies = collect(names, this.#shelf);
    const manifest = { name: "consumer", version: "1.0.0", private: true, type: "module", dependencies, overrides };
    writeFileSync(join(this.folder, "package.json"), JSON.stringify(manifest, null, 2));
    const flags = ["--no-audit", "--no-fund", "--no-package-lock", "--prefer-offline", "--loglevel=error"];
    await run(["npm", "install", ...flags, ...(peers ? [] : ["--omit=peer"])], this.folder);
  }

  /** The names that each door exports at run time; the process must end by itself. */
  async import(specifier: string, node: Tool): Promise<readonly string[]> {
    return listExports(specifier, this.folder, node.command);
  }

  /** Writes the programs to compile: one that imports every door, and each example as it stands in its README. */
  writePrograms(doors: readonly string[], examples: readonly ReadmeExample[]): void {
    const lines = doors.map(
      (specifier, index) =>
        `import * as door${index} from "${specifier}";\nexport const names${index}: readonly string[] = Object.keys(door${index});\n`,
    );
    writeFileSync(join(this.folder, "doors.ts"), lines.join(""));
    for (const [index, { source }] of examples.entries()) {
      writeFileSync(join(this.folder, `example-${index}.ts`), source);
    }
  }

  /**
   * Compiles the programs with every declaration file that they reach, and gives what the compiler has against the
   * programs and against our own declarations. Those of others are theirs to mend. With `nodenext` it leaves the
   * compiled examples in `out`.
   */
  async compile(compiler: Tool, resolution: Resolution): Promise<readonly string[]> {
    const compilerOptions = {
      target: "ES2024",
      // Nothing of a browser: a service has none, and our declarations must not need it.
      lib: ["ES2024", "ESNext.Disposable"],
      types: ["node"],
      strict: true,
      skipLibCheck: false,
      ...(resolution === "bundler"
        ? { module: "preserve", moduleResolution: "bundler", noEmit: true }
        : { module: "nodenext", rootDir: ".", outDir: "out" }),
    };
    // One file for each resolution: they may be compiled at the same time.
    const project = `tsconfig.${resolution}.json`;
    writeFileSync(join(this.folder, project), JSON.stringify({ compilerOptions, include: ["*.ts"] }));
    const command = [...compiler.command, "--project", project, "--pretty", "false"] as const;
    const { exitCode, output } = await tryToRun(command, this.folder);
    const diagnostics = output.split("\n").filter((line) => /error TS\d+:/.test(line));
    if (exitCode !== 0 && diagnostics.length === 0) throw new Error(`expected tsc to say what is wrong, got ${output}`);
    return diagnostics.filter((line) => !/^node_modules\/(?!@db\/)/.test(line));
  }

  /** Runs a compiled example; rejects with its output unless it ends by itself with 0. */
  async runExample(index: number, node: Tool): Promise<string> {
    return run([...node.command, `out/example-${index}.js`], this.folder);
  }
}

export async function listExports(
  specifier: string,
  cwd: string,
  node: readonly [string, ...string[]] = ["node"],
): Promise<readonly string[]> {
  const program = `console.log(JSON.stringify(Object.keys(await import(${JSON.stringify(specifier)})).sort()))`;
  const flags = ["--disable-warning=ExperimentalWarning", "--input-type=module", "--eval", program];
  return JSON.parse(await run([...node, ...flags], cwd));
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
