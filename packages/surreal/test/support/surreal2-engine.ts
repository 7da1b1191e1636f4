import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** What of the native part of the package is used: requests and answers as CBOR, all in one session. */
export interface Surreal2Engine {
  /** Rejects with an error that has the server's text. */
  execute(request: Uint8Array): Promise<Uint8Array>;
}

interface Binding {
  readonly SurrealNodeEngine: { connect(url: string, options: object): Promise<Surreal2Engine> };
}

const LINUX_SYMBOL = "__isoc23_";

/** Whether there is a build for this machine that we know how to load. */
export const hasSurreal2Engine: boolean = process.platform === "darwin" || isGlibc();

/** Opens an engine of SurrealDB 2. Some of its failures abort the process: give it one of its own. */
export function openSurreal2Engine(url: string): Promise<Surreal2Engine> {
  const folder = fileURLToPath(new URL(".", import.meta.resolve("surrealdb-node-2")));
  const { platform, arch } = process;
  const load = createRequire(import.meta.url) as (path: string) => Binding;
  const binding =
    platform === "linux"
      ? loadRelinked(join(folder, `surrealdb-node.linux-${arch}-gnu.node`), load)
      : load(join(folder, `surrealdb-node.${platform}-${arch}.node`));
  return binding.SurrealNodeEngine.connect(url, {});
}

/**
 * The builds ask for names that came with glibc 2.38 (`__isoc23_strtol` and three others; they differ from those without the prefix in
 * reading binary literals alone), so that no older Linux loads them. In a copy we ask for the plain names.
 */
function loadRelinked(path: string, load: (path: string) => Binding): Binding {
  const folder = mkdtempSync(join(tmpdir(), "surrealdb-node-2-"));
  const copy = join(folder, "engine.node");
  try {
    writeFileSync(copy, withPlainNames(readFileSync(path)));
    return load(copy);
  } finally {
    // What is loaded stays loaded.
    rmSync(folder, { recursive: true });
  }
}

/** ELF, 64 bits: moves the names of undefined symbols behind their prefix. */
function withPlainNames(file: Buffer): Buffer {
  const sections = Number(file.readBigUInt64LE(0x28));
  const sectionSize = file.readUInt16LE(0x3a);
  const section = (index: number) => {
    const at = sections + index * sectionSize;
    const [type, link] = [file.readUInt32LE(at + 4), file.readUInt32LE(at + 40)];
    return { type, link, offset: Number(file.readBigUInt64LE(at + 24)), size: Number(file.readBigUInt64LE(at + 32)) };
  };
  const all = Array.from({ length: file.readUInt16LE(0x3c) }, (_, index) => section(index));
  const symbols = all.find(({ type }) => type === 11);
  if (symbols === undefined) throw new Error("expected a library with dynamic symbols");
  const names = section(symbols.link).offset;
  for (let at = symbols.offset; at < symbols.offset + symbols.size; at += 24) {
    const isUndefined = file.readUInt16LE(at + 6) === 0;
    const name = file.readUInt32LE(at);
    const found = file.toString("latin1", names + name, names + name + LINUX_SYMBOL.length);
    if (isUndefined && found === LINUX_SYMBOL) file.writeUInt32LE(name + LINUX_SYMBOL.length, at);
  }
  return file;
}

function isGlibc(): boolean {
  if (process.platform !== "linux") return false;
  const { header } = process.report.getReport() as { readonly header?: { readonly glibcVersionRuntime?: string } };
  return header?.glibcVersionRuntime !== undefined;
}
