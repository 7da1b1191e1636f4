import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { ServeSurrealOptions, SurrealEngine } from "@db/testing/surreal";

export class UsageError extends Error {}

/** Where the pid and the log are kept, if not told otherwise. */
const STATE = fileURLToPath(new URL("../../data/surreal/", import.meta.url));

export interface UpArguments {
  readonly help: boolean;
  readonly foreground: boolean;
  readonly state: string;
  readonly options: ServeSurrealOptions & { readonly port: number; readonly user: string };
}

export interface DownArguments {
  readonly help: boolean;
  readonly state: string;
}

/** @throws UsageError naming what was expected and what came */
export function parseUp(args: readonly string[]): UpArguments {
  const values = parse(args, {
    port: { type: "string" },
    path: { type: "string" },
    engine: { type: "string" },
    user: { type: "string" },
    password: { type: "string" },
    foreground: { type: "boolean" },
    state: { type: "string" },
    help: { type: "boolean", short: "h" },
  });
  const path = text("path", values.path);
  const engine = engineOf(values.engine ?? (path === undefined ? "mem" : "rocksdb"));
  if (engine === "mem" && path !== undefined) throw new UsageError("expected no --path with the engine mem");
  if (engine !== "mem" && path === undefined) throw new UsageError(`expected a --path for the engine ${engine}`);
  const [user, password] = [text("user", values.user) ?? "root", text("password", values.password) ?? "root"];
  const port = portOf(values.port ?? "8000");
  return {
    help: values.help === true,
    foreground: values.foreground === true,
    state: stateOf(values.state),
    options: { engine, port, user, password, path: path === undefined ? undefined : resolve(path) },
  };
}

/** @throws UsageError naming what was expected and what came */
export function parseDown(args: readonly string[]): DownArguments {
  const values = parse(args, { state: { type: "string" }, help: { type: "boolean", short: "h" } });
  return { help: values.help === true, state: stateOf(values.state) };
}

function parse(
  args: readonly string[],
  options: NonNullable<Parameters<typeof parseArgs>[0]>["options"],
): {
  readonly [name: string]: unknown;
} {
  try {
    return parseArgs({ args: [...args], options: options ?? {} }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function text(name: string, value: unknown): string | undefined {
  if (value === undefined || (typeof value === "string" && value !== "")) return value;
  throw new UsageError(`expected --${name} to be a text that is not empty`);
}

function engineOf(value: unknown): SurrealEngine {
  if (value === "mem" || value === "surrealkv" || value === "rocksdb") return value;
  throw new UsageError(`expected --engine to be mem, surrealkv or rocksdb, got ${String(value)}`);
}

function portOf(value: unknown): number {
  const port = Number(value);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535 && value !== "") return port;
  throw new UsageError(`expected --port to be a number in 0..65535, got ${String(value)}`);
}

function stateOf(value: unknown): string {
  const given = text("state", value);
  return given === undefined ? STATE : resolve(given);
}
