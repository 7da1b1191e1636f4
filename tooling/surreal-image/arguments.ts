import { parseArgs } from "node:util";
import type { ServeSurrealOptions, SurrealEngine } from "@db/testing/surreal";

const engines: Readonly<Record<string, SurrealEngine>> = {
  memory: "mem",
  mem: "mem",
  surrealkv: "surrealkv",
  rocksdb: "rocksdb",
};

/**
 * Reads the arguments of `surreal start`, those that the official image is started with in tests.
 *
 * @throws Error naming what was expected and what came
 */
export function readArguments(args: readonly string[]): ServeSurrealOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      bind: { type: "string", short: "b", default: "0.0.0.0:8000" },
      user: { type: "string", short: "u", default: "root" },
      pass: { type: "string", short: "p", default: "root" },
      log: { type: "string", short: "l" },
    },
  });
  const [command, path = "memory", ...rest] = positionals;
  if (command !== "start" || rest.length > 0) {
    throw new Error(`expected start [OPTIONS] [PATH], got ${args.join(" ") || "nothing"}`);
  }
  // An address of IPv6 stands in brackets here, and without them where it is listened on.
  const [, host, port] = /^\[?(.+?)\]?:(\d+)$/.exec(values.bind) ?? [];
  if (host === undefined) throw new Error(`expected --bind HOST:PORT, got ${values.bind}`);
  const [, scheme = "", folder = ""] = /^([a-z]+)(?::(?:\/\/)?(.*))?$/.exec(path) ?? [];
  const engine = engines[scheme];
  if (engine === undefined || (engine === "mem") !== (folder === "")) {
    throw new Error(`expected PATH to be memory, rocksdb:FOLDER or surrealkv:FOLDER, got ${path}`);
  }
  const { user, pass: password } = values;
  return { engine, path: folder || undefined, host, port: Number(port), user, password, faults: {} };
}
