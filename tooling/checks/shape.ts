import type { ExportTarget, Manifest, Member } from "./workspace.ts";

/** What the shape of a package is judged by. */
export interface PackageFacts {
  readonly member: Member;
  /** All its files, from its folder, with slashes. */
  readonly files: readonly string[];
  readonly readme: string | undefined;
  readonly tsconfig: TsConfig | undefined;
  /** The `references` of the tsconfig.json at the root. */
  readonly rootReferences: readonly string[];
  /** Names of the workspace's members. */
  readonly members: readonly string[];
}

export interface TsConfig {
  readonly extends?: string;
  readonly references?: readonly { readonly path: string }[];
}

const requiredFiles = ["package.json", "README.md", "tsconfig.json", "src/index.ts", "test/surface.test.ts"];
const requiredFields: Partial<Manifest> = {
  license: "MIT",
  type: "module",
  sideEffects: false,
  engines: { node: ">=22.15" },
};
/** Behind these a package may publish folders of data, such as dashboards. */
const publishedFiles: readonly string[] = ["dist", "!dist/.tsbuildinfo", "src"];

/** Where a package differs from the standard shape, each as one sentence. */
export function deviations(facts: PackageFacts): readonly string[] {
  const { folder } = facts.member;
  return [...layout(facts), ...fields(facts), ...exportMaps(facts), ...references(facts)].map(
    (sentence) => `${folder}: ${sentence}`,
  );
}

function layout({ member, files, readme }: PackageFacts): readonly string[] {
  const title = `# ${member.manifest.name}`;
  const found = requiredFiles
    .filter((file) => !files.includes(file))
    .map((file) => `expected a file ${file}, got none`);
  const first = readme?.split("\n")[0];
  if (first !== undefined && first !== title) found.push(`expected README.md to begin with "${title}", got "${first}"`);
  for (const file of files) {
    if (/^src\/.*\.test\.ts$/.test(file)) found.push(`expected tests in test/, got ${file}`);
  }
  return found;
}

function fields({ member: { folder, manifest }, files }: PackageFacts): readonly string[] {
  const expected: Partial<Manifest> = { name: `@db/${folder.split("/").at(-1)}`, ...requiredFields };
  const found = Object.entries(expected).flatMap(([key, value]) => {
    const [want, got] = [JSON.stringify(value), JSON.stringify(manifest[key as keyof Manifest])];
    return want === got ? [] : [`expected ${key} of package.json to be ${want}, got ${got}`];
  });
  const [want, got] = [JSON.stringify(publishedFiles), JSON.stringify(manifest.files?.slice(0, publishedFiles.length))];
  if (want !== got) found.push(`expected files of package.json to begin with ${want}, got ${got}`);
  for (const data of manifest.files?.slice(publishedFiles.length) ?? []) {
    if (!files.some((file) => file.startsWith(`${data}/`))) {
      found.push(`expected ${data} of files in package.json to be a folder with files, got none`);
    }
  }
  if ((manifest.description ?? "") === "") found.push("expected a description in package.json, got none");
  if (manifest.scripts?.build !== "tsc -b") found.push(`expected the script build to be "tsc -b"`);
  if (manifest.publishConfig?.access !== "public") found.push('expected publishConfig.access to be "public"');
  for (const [name, range] of Object.entries(manifest.peerDependencies ?? {})) {
    if (manifest.devDependencies?.[name] === undefined) {
      found.push(`expected the peer ${name} (${range}) among devDependencies too, so that its tests have one`);
    }
  }
  return found;
}

/** The workspace runs from source, users from dist: both maps must open the same doors. */
function exportMaps({ member: { manifest }, files }: PackageFacts): readonly string[] {
  const here = manifest.exports ?? {};
  const published = manifest.publishConfig?.exports ?? {};
  const found: string[] = [];
  if (here["."] === undefined) found.push('expected exports to have ".", got none');
  for (const door of new Set([...Object.keys(here), ...Object.keys(published), "./package.json"])) {
    const expected = publishedTarget(here[door]);
    const [want, got] = [JSON.stringify(expected), JSON.stringify(published[door])];
    if (expected === undefined) {
      found.push(`expected exports["${door}"] to be "./src/<noun>.ts", got ${JSON.stringify(here[door])}`);
    } else if (want !== got) found.push(`expected publishConfig.exports["${door}"] to be ${want}, got ${got}`);
    const source = here[door];
    if (typeof source === "string" && !files.includes(source.slice(2))) {
      found.push(`expected the file of exports["${door}"], ${source}, to exist`);
    }
  }
  return found;
}

/** `./src/a.ts` → `./dist/a.js` and its types; data files stay where they are. */
function publishedTarget(source: ExportTarget | undefined): ExportTarget | undefined {
  if (typeof source !== "string") return undefined;
  const noun = /^\.\/src\/(.+)\.ts$/.exec(source)?.[1];
  if (noun !== undefined) return { types: `./dist/${noun}.d.ts`, default: `./dist/${noun}.js` };
  return source === "./package.json" ? source : undefined;
}

/** `tsc -b` builds in the order of the references, so they must say what package.json says. */
function references({ member, tsconfig, rootReferences, members }: PackageFacts): readonly string[] {
  const { dependencies, peerDependencies } = member.manifest;
  const wanted = Object.keys({ ...dependencies, ...peerDependencies })
    .filter((name) => members.includes(name))
    .map((name) => `../${name.slice("@db/".length)}`)
    .sort();
  const got = (tsconfig?.references ?? []).map(({ path }) => path).sort();
  const found: string[] = [];
  if (tsconfig?.extends !== "../../tooling/tsconfig/library.json") {
    found.push(`expected tsconfig.json to extend ../../tooling/tsconfig/library.json, got ${tsconfig?.extends}`);
  }
  if (wanted.join() !== got.join()) {
    found.push(`expected the references of tsconfig.json to be [${wanted}] as in package.json, got [${got}]`);
  }
  if (!rootReferences.includes(member.folder)) {
    found.push(`expected a reference to ${member.folder} in the tsconfig.json of the root, got none`);
  }
  return found;
}
