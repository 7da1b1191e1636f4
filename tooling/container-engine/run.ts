// A container engine for the tests that need one: `npm run containers -- up`.
import { existsSync, rmSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import { EngineHome } from "./engine-home.ts";
import { mountsOf, processesOf, removeLeftovers } from "./leftovers.ts";
import { isAnswering, servicePid, startService, stopService } from "./service.ts";
import { buildSurrealImage } from "./surreal-image.ts";
import { checkMachine, EngineError, execute, installPackages } from "./system.ts";

const defaultHome = "/var/tmp/db-container-engine";
const usage = `Usage: npm run containers -- COMMAND [--home FOLDER]

A Docker-compatible engine (podman with runc) on a bare Debian machine, as root, and an image of the SurrealDB
test server that is made here, without any image registry.

Commands:
  up       install what is missing, start the engine, build the image; prints the environment to export:
           eval "$(npm run --silent containers -- up)"
  status   whether it runs, with its containers; exits with 1 if it does not
  down     end every container, the engine and all that it left in memory, mounts and network; remove FOLDER.
           The packages of the system stay.

Options:
  --home FOLDER   where the engine keeps everything (default ${defaultHome})
  --help          show this text
`;

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { home: { type: "string", default: defaultHome }, help: { type: "boolean" } },
  });
  if (values.help === true) console.log(usage);
  else process.exitCode = await main(positionals, values.home);
} catch (error) {
  if (!(error instanceof EngineError) && !isBadArgument(error)) throw error;
  console.error(`containers: ${error.message}`);
  if (isBadArgument(error)) console.error(`\n${usage}`);
  process.exitCode = isBadArgument(error) ? 2 : 1;
}

async function main([command, ...rest]: readonly string[], folder: string): Promise<number> {
  if (!folder.startsWith("/") || /[\s"]/.test(folder)) {
    throw new EngineError(`expected --home to be an absolute path without spaces or quotes, got ${folder}`);
  }
  const home = new EngineHome(folder.replace(/\/+$/, ""));
  if (rest.length === 0 && command === "up") return up(home);
  if (rest.length === 0 && command === "status") return status(home);
  if (rest.length === 0 && command === "down") return down(home);
  console.error(`containers: expected up, status or down, got ${[command, ...rest].join(" ") || "none"}\n\n${usage}`);
  return 2;
}

async function up(home: EngineHome): Promise<number> {
  const startedAt = performance.now();
  checkMachine();
  installPackages(say);
  home.configure();
  const how = await startService(home);
  say(how === "running" ? "the engine is running already" : `the engine runs, process ${servicePid(home)}`);
  const image = await buildSurrealImage(home, say);
  say(`ready after ${((performance.now() - startedAt) / 1_000).toFixed(1)} s; \`npm run containers -- down\` ends it`);
  console.log(
    [
      `export DOCKER_HOST=unix://${home.socket}`,
      // Its image is in a registry alone; what it would sweep, \`down\` does.
      "export TESTCONTAINERS_RYUK_DISABLED=true",
      "export TESTCONTAINERS_HOST_OVERRIDE=127.0.0.1",
      `export SURREAL_IMAGE=${image}`,
    ].join("\n"),
  );
  return 0;
}

async function status(home: EngineHome): Promise<number> {
  if (!(await isAnswering(home))) {
    console.log(`No engine answers on ${home.socket}.`);
    return 1;
  }
  console.log(`The engine runs, process ${servicePid(home)}, socket ${home.socket}.`);
  console.log(execute("podman", ["ps", "--all"], home.env).trim());
  return 0;
}

async function down(home: EngineHome): Promise<number> {
  checkMachine();
  if (!existsSync(home.folder)) {
    say(`nothing to end: there is no ${home.folder}`);
    return 0;
  }
  if (existsSync(home.pidFile)) execute("podman", ["rm", "--all", "--force", "--time=0"], home.env);
  await stopService(home);
  removeLeftovers(home);
  for (let tries = 0; processesOf(home).length > 0 && tries < 50; tries += 1) await setTimeout(50);
  const [processes, mounts] = [processesOf(home), mountsOf(home)];
  if (processes.length + mounts.length > 0) {
    throw new EngineError(`expected nothing to be left, got processes [${processes}] and mounts [${mounts}]`);
  }
  rmSync(home.folder, { recursive: true, force: true });
  say("the engine has ended; nothing of it is left but the system's packages");
  return 0;
}

function say(text: string): void {
  console.error(`containers: ${text}`);
}

function isBadArgument(error: unknown): error is Error {
  return error instanceof Error && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS");
}
