import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("disk-child.ts", import.meta.url));
const CALLS = "openat,pwrite64,write,fdatasync,fsync,ftruncate,rename,renameat,renameat2,unlink,unlinkat";

/** Why system calls cannot be watched here; undefined where they can. */
export const straceMissing: string | undefined = missing();

function missing(): string | undefined {
  const found = spawnSync("strace", ["-qq", "-e", "trace=none", "true"], { encoding: "utf8" });
  if (found.error !== undefined) return "strace is not installed (Debian: apt-get install strace)";
  return found.status === 0 ? undefined : `strace may not trace here: ${found.stderr.trim()}`;
}

export interface DiskTask {
  readonly path: string;
  readonly durability: "fsync" | "os";
  readonly count: number;
}

/** Runs the child under strace. Returns the lines that it said, up to its end or its death. */
export function runTraced(task: DiskTask, args: readonly string[]): readonly string[] {
  const { stdout } = spawnSync("strace", ["-f", "-qq", ...args, process.execPath, program, JSON.stringify(task)], {
    encoding: "utf8",
    timeout: 60_000,
    maxBuffer: 1e8,
  });
  return stdout.split("\n").filter((line) => line !== "");
}

/** One system call that changed a file, synced one, or said a line. */
export type Call =
  | { readonly name: "write"; readonly path: string; readonly bytes: Buffer; readonly at: number }
  | { readonly name: "truncate"; readonly path: string; readonly length: number }
  | { readonly name: "sync"; readonly path: string }
  | { readonly name: "rename"; readonly path: string; readonly to: string }
  | { readonly name: "unlink"; readonly path: string }
  | { readonly name: "say"; readonly line: string };

/** What the child did to files of a folder, in order. */
export function traceOf(task: DiskTask, log: string): readonly Call[] {
  runTraced(task, ["-y", "-xx", "-s", "4000000", "-e", `trace=${CALLS}`, "-o", log]);
  const calls: Call[] = [];
  const begun = new Map<string, string>();
  for (const line of readFileSync(log, "latin1").split("\n")) {
    const [, thread = "", text = ""] = /^(\d+) +(.*)$/.exec(line) ?? [];
    const unfinished = / <unfinished \.\.\.>$/.exec(text);
    if (unfinished !== null) {
      begun.set(thread, text.slice(0, unfinished.index));
      continue;
    }
    const rest = /^<\.\.\. \w+ resumed>(.*)$/.exec(text)?.[1];
    const call = parse(rest === undefined ? text : `${begun.get(thread) ?? ""}${rest}`);
    if (call !== undefined) calls.push(call);
  }
  return calls;
}

function parse(text: string): Call | undefined {
  const [, name, args = "", result = ""] = /^(\w+)\((.*)\)\s+= (-?\d+)/.exec(text) ?? [];
  if (name === undefined || result.startsWith("-")) return undefined;
  const path = unhex(/^\d+<([^>]*)>/.exec(args)?.[1] ?? "");
  const texts = [...args.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)].map(([, hex = ""]) => hex);
  const numbers = args.split(", ").map(Number);
  switch (name) {
    case "pwrite64":
      return { name: "write", path, bytes: unhexBytes(texts[0] ?? ""), at: numbers.at(-1) ?? 0 };
    case "write":
      return args.startsWith("1<") ? { name: "say", line: unhex(texts[0] ?? "").trim() } : undefined;
    case "ftruncate":
      return { name: "truncate", path, length: numbers.at(-1) ?? 0 };
    case "fsync":
    case "fdatasync":
      return { name: "sync", path };
    case "rename":
    case "renameat":
    case "renameat2":
      return { name: "rename", path: unhex(texts[0] ?? ""), to: unhex(texts[1] ?? "") };
    case "unlink":
    case "unlinkat":
      return { name: "unlink", path: unhex(texts[0] ?? "") };
    default:
      return undefined;
  }
}

function unhexBytes(text: string): Buffer {
  return Buffer.from(text.replaceAll("\\x", ""), "hex");
}

function unhex(text: string): string {
  return text.includes("\\x") ? unhexBytes(text).toString("utf8") : text;
}
