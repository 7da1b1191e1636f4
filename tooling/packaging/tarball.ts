import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { Manifest, Member } from "../checks/workspace.ts";
import { run } from "./command.ts";

export interface Tarball {
  readonly file: string;
  readonly manifest: Manifest;
  /** The files by their paths inside the package, with slashes. */
  readonly files: ReadonlyMap<string, Buffer>;
  /** What a user downloads. */
  readonly bytes: number;
}

/** Packs a built member as `pnpm publish` would. */
export async function pack(member: Member, destination: string, base: string): Promise<Tarball> {
  const output = await run(
    ["pnpm", "pack", "--json", "--pack-destination", destination],
    join(base, member.folder),
    base,
  );
  const result: unknown = JSON.parse(output);
  if (typeof result !== "object" || result === null || !("filename" in result)) {
    throw new Error(`expected pnpm pack to name its file, got ${output}`);
  }
  return readTarball(String(result.filename));
}

export function readTarball(file: string): Tarball {
  const archive = readFileSync(file);
  const files = readEntries(gunzipSync(archive));
  const manifest = files.get("package.json");
  if (manifest === undefined) throw new Error(`expected a package.json in ${file}, got ${[...files.keys()]}`);
  return { file, manifest: JSON.parse(manifest.toString("utf8")), files, bytes: archive.length };
}

const blockSize = 512;

/**
 * The files of a tar archive without its leading `package/`. Reads the plain ustar headers that pnpm writes for
 * paths of up to 255 bytes, and refuses anything else.
 */
function readEntries(archive: Buffer): ReadonlyMap<string, Buffer> {
  const entries = new Map<string, Buffer>();
  for (let at = 0; at + blockSize <= archive.length; ) {
    const header = archive.subarray(at, at + blockSize);
    if (header[0] === 0) break;
    const text = (from: number, length: number): string =>
      header.toString("utf8", from, from + length).replace(/\0.*$/s, "");
    const type = text(156, 1);
    if (type !== "0" && type !== "")
      throw new Error(`expected plain files in the archive, got an entry of type ${type}`);
    const size = Number.parseInt(text(124, 12), 8);
    const path = [text(345, 155), text(0, 100)].filter((part) => part !== "").join("/");
    entries.set(path.replace(/^package\//, ""), archive.subarray(at + blockSize, at + blockSize + size));
    at += blockSize + Math.ceil(size / blockSize) * blockSize;
  }
  return entries;
}
