import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import {
  CompilerState,
  Extractor,
  ExtractorConfig,
  ExtractorLogLevel,
  type IConfigFile,
} from "@microsoft/api-extractor";
import { entryOf } from "../checks/sources.ts";
import type { Member } from "../checks/workspace.ts";

/** One subpath that users import, the declarations behind it, and the report of them that is kept in the repository. */
export interface ReportedDoor {
  readonly specifier: string;
  readonly member: Member;
  /** From the folder of the member: `dist/index.d.ts`. */
  readonly declarations: string;
  /** From the folder of the member: `api/index.api.md`. */
  readonly report: string;
}

export interface DoorChange {
  readonly door: ReportedDoor;
  /** A unified diff from the report that is kept to the surface that is there; undefined where no report was kept. */
  readonly diff: string | undefined;
}

export const reportFolder = "api";

export function reportedDoors(member: Member): readonly ReportedDoor[] {
  const { name, exports = {} } = member.manifest;
  return Object.entries(exports).flatMap(([subpath, target]) => {
    const noun = /^src\/(.+)\.ts$/.exec(entryOf(target) ?? "")?.[1];
    if (noun === undefined) return [];
    const report = `${reportFolder}/${noun.replaceAll("/", "-")}.api.md`;
    return [{ specifier: `${name}${subpath.slice(1)}`, member, declarations: `dist/${noun}.d.ts`, report }];
  });
}

/**
 * Compares the surface behind every door with its report; the packages must be built. With `update` the reports are
 * rewritten. All doors share one compilation, which is what takes the time.
 *
 * @throws Error when a declaration file is missing or does not compile
 */
export function compareDoors(
  doors: readonly ReportedDoor[],
  options: { readonly base: string; readonly scratch: string; readonly update: boolean },
): readonly DoorChange[] {
  const configs = doors.map((door) => configOf(door, options));
  const [first] = configs;
  if (first === undefined) return [];
  const additionalEntryPoints = configs.map(({ mainEntryPointFilePath }) => mainEntryPointFilePath);
  const compilerState = CompilerState.create(first, { additionalEntryPoints });
  return doors.flatMap((door, index) => {
    const config = configs[index];
    return config === undefined ? [] : compareDoor(door, config, compilerState, options);
  });
}

function compareDoor(
  door: ReportedDoor,
  config: ExtractorConfig,
  compilerState: CompilerState,
  { base, update }: { readonly base: string; readonly update: boolean },
): readonly DoorChange[] {
  if (update) mkdirSync(join(base, door.member.folder, reportFolder), { recursive: true });
  const known = existsSync(join(base, door.member.folder, door.report));
  const faults: string[] = [];
  let diff = "";
  const { apiReportChanged } = Extractor.invoke(config, {
    compilerState,
    localBuild: update,
    printApiReportDiff: true,
    messageCallback(message) {
      message.handled = true;
      if (message.messageId === "console-api-report-diff") diff = message.text;
      else if (message.category === "Compiler") faults.push(message.formatMessageWithLocation(base));
    },
  });
  if (faults.length > 0) throw new Error(`expected ${door.specifier} to compile, got\n${faults.join("\n")}`);
  return apiReportChanged ? [{ door, diff: known ? diff : undefined }] : [];
}

function configOf(
  door: ReportedDoor,
  { base, scratch }: { readonly base: string; readonly scratch: string },
): ExtractorConfig {
  const projectFolder = join(base, door.member.folder);
  const declarations = join(projectFolder, door.declarations);
  // Its remarks hold line numbers, which would make reports differ where no surface does.
  const silent = { default: { logLevel: ExtractorLogLevel.None } };
  const configObject: IConfigFile = {
    projectFolder,
    mainEntryPointFilePath: declarations,
    newlineKind: "lf",
    compiler: {
      overrideTsconfig: {
        compilerOptions: {
          target: "ES2024",
          lib: ["ES2024", "ESNext.Disposable"],
          module: "NodeNext",
          strict: true,
          noEmit: true,
          allowImportingTsExtensions: true,
          skipLibCheck: true,
          types: ["node"],
          typeRoots: [join(base, "node_modules/@types")],
        },
        files: [declarations],
      },
    },
    apiReport: {
      enabled: true,
      reportFileName: door.report.slice(`${reportFolder}/`.length),
      reportFolder: join(projectFolder, reportFolder),
      reportTempFolder: join(scratch, door.member.folder),
      // What the surface needs and does not export: a change of it is a change of the surface.
      includeForgottenExports: true,
    },
    docModel: { enabled: false },
    dtsRollup: { enabled: false },
    tsdocMetadata: { enabled: false },
    messages: {
      compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Warning } },
      extractorMessageReporting: silent,
      tsdocMessageReporting: silent,
    },
  };
  return ExtractorConfig.prepare({
    configObject,
    configObjectFullPath: undefined,
    packageJsonFullPath: join(projectFolder, "package.json"),
  });
}
