import { readdir, readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";

interface Asset {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly type: string;
  readonly encoding?: "gzip";
}

/** The built page, in memory: a service with a full disk still shows it. */
export interface OpsAssets {
  readonly html: string;
  readonly csp: string;
  readonly files: ReadonlyMap<string, Asset>;
}

const TYPES: Readonly<Record<string, string>> = {
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};
const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Undefined where the page was not built. */
export async function readOpsAssets(folder: string): Promise<OpsAssets | undefined> {
  const html = await readFile(join(folder, "index.html"), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    return undefined;
  });
  if (html === undefined) return undefined;
  const files = new Map<string, Asset>();
  for (const name of await readdir(join(folder, "assets"))) {
    const bytes = await readFile(join(folder, "assets", name));
    files.set(name, { bytes: new Uint8Array(await promisify(gzip)(bytes)), encoding: "gzip", type: typeOf(name) });
  }
  return { html, csp: CSP, files };
}

function typeOf(name: string): string {
  return TYPES[extname(name)] ?? "application/octet-stream";
}
